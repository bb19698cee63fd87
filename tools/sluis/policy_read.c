/*
 * policy_read.c - get, history and diff: read beside a running daemon
 */
#include "base/timestamp.h"
#include "commands.h"
#include "common/problems.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "policy/diff.h"
#include "workspace.h"

#include <stdlib.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20, LINES_BYTES_MAX = 1 << 18 };

static json_t *json_of_time(int64_t time_ms)
{
    char text[TIMESTAMP_BYTES];
    struct writer writer = writer_over(text, sizeof text);
    write_timestamp_ms(&writer, time_ms);
    return json_stringn(text, writer.n);
}

/* --- get ------------------------------------------------------------------------------------- */

int policy_get_run(struct cli *cli)
{
    uint64_t wanted = 0;
    if (cli->given[KEY_VERSION] &&
        !cli_value_u64(cli, KEY_VERSION, "--version", INT64_MAX, &wanted))
        return EX_USAGE;
    if (cli->given[KEY_VERSION] && wanted == 0)
        return cli_misused(cli, "--version counts from 1");
    struct workspace workspace = {0};
    int code = workspace_open_store(&workspace, cli);
    struct store_version version = {0};
    if (code == EX_OK)
        code = workspace_version(&workspace, cli->arguments[0], wanted, &version);
    if (code == EX_OK) {
        if (cli->json)
            code = cli_print_json(cli, json_pack("{s:o, s:I, s:o, s:o}", "subject",
                                                 json_of_slice(slice_of_str(cli->arguments[0])),
                                                 "version", (json_int_t)version.version, "time",
                                                 json_of_time(version.time_ms), "yaml",
                                                 json_of_slice(version.yaml)));
        else if (isatty(STDOUT_FILENO) == 1)
            print_lines(stdout, version.yaml);
        else
            fwrite(version.yaml.p, 1, version.yaml.n, stdout); /* to a file: byte for byte */
        store_read_end(workspace.reader);
    }
    workspace_close(&workspace);
    return code;
}

/* --- history --------------------------------------------------------------------------------- */

struct history_line {
    uint64_t version;
    int64_t time_ms;
    uint32_t vocabulary_version;
    bool is_compared; /* both texts are still understood */
    struct policy_change change;
};

static struct policy_document *load_quietly(const struct config *config, struct slice yaml)
{
    struct policy_document *policy = NULL;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy");
    if (policy_load(yaml, config->vocabulary, &problems, &policy) != SL_OK)
        policy = NULL;
    yaml_problems_deinit(&problems);
    return policy;
}

static void print_history_line(struct cli *cli, const struct history_line *line, json_t *list)
{
    const struct policy_change *change = &line->change;
    if (cli->json) {
        json_t *item = json_pack("{s:I, s:o, s:I}", "version", (json_int_t)line->version, "time",
                                 json_of_time(line->time_ms), "vocabulary",
                                 (json_int_t)line->vocabulary_version);
        if (line->is_compared)
            json_object_set_new(item, "change",
                                json_pack("{s:I, s:I, s:I, s:I, s:I}", "granted",
                                          (json_int_t)change->granted, "changed",
                                          (json_int_t)change->changed, "withdrawn",
                                          (json_int_t)change->withdrawn, "refusals_added",
                                          (json_int_t)change->refusals_added, "refusals_removed",
                                          (json_int_t)change->refusals_removed));
        json_array_append_new(list, item);
        return;
    }
    char time[TIMESTAMP_BYTES];
    struct writer writer = writer_over(time, sizeof time);
    write_timestamp_ms(&writer, line->time_ms);
    printf("%7llu  %.*s  ", (unsigned long long)line->version, (int)writer.n, time);
    if (!line->is_compared)
        printf("(in words that the vocabulary no longer has)\n");
    else
        printf("granted %u, changed %u, withdrawn %u; refusals added %u, removed %u\n",
               change->granted, change->changed, change->withdrawn, change->refusals_added,
               change->refusals_removed);
}

static int print_history(struct cli *cli, struct workspace *workspace, json_t *list)
{
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    int code = workspace_find(workspace, cli->arguments[0], id);
    if (code != EX_OK)
        return code;
    if (!cli->json)
        printf("version  time                      change\n");
    SL_AUTO(policy_document) before = NULL;
    bool had_before = true;
    for (uint64_t n = 1;; n++) {
        struct store_version version;
        bool found = false;
        if (store_version_get(workspace->reader, id, n, &version, &found) != SL_OK)
            return workspace_store_failed(workspace);
        if (!found)
            return EX_OK;
        struct history_line line = {
            version.version, version.time_ms, version.vocabulary_version, false, {0}};
        struct policy_document *now = load_quietly(workspace->config, version.yaml);
        store_read_end(workspace->reader);
        line.is_compared = now && had_before;
        if (line.is_compared)
            policy_compare(before, now, &line.change, NULL);
        print_history_line(cli, &line, list);
        policy_free(before);
        before = now;
        had_before = now != NULL;
    }
}

int policy_history_run(struct cli *cli)
{
    struct workspace workspace = {0};
    json_t *list = json_array();
    int code = workspace_open_store(&workspace, cli);
    if (code == EX_OK)
        code = print_history(cli, &workspace, list);
    if (code == EX_OK && cli->json)
        code = cli_print_json(cli, json_incref(list));
    json_decref(list);
    workspace_close(&workspace);
    return code;
}

/* --- diff ------------------------------------------------------------------------------------ */

static int print_diff(struct cli *cli, const struct policy_document *old,
                      const struct policy_document *new)
{
    char *room = malloc(LINES_BYTES_MAX);
    if (!room)
        return cli_fail(cli, EX_SOFTWARE, "out of memory");
    struct writer lines = writer_over(room, LINES_BYTES_MAX);
    struct policy_change change = {0};
    policy_compare(old, new, &change, &lines);
    int code = EX_OK;
    if (cli->json) {
        json_t *list = json_array();
        struct slice rest = writer_slice(&lines);
        for (size_t i = 0; i < rest.n; i++) {
            if (rest.p[i] != '\n')
                continue;
            json_array_append_new(list, json_of_slice(slice_of(rest.p, i)));
            rest = slice_of(rest.p + i + 1, rest.n - i - 1);
            i = (size_t)-1;
        }
        code = cli_print_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "granted",
                                             (json_int_t)change.granted, "changed",
                                             (json_int_t)change.changed, "withdrawn",
                                             (json_int_t)change.withdrawn, "refusals_added",
                                             (json_int_t)change.refusals_added, "refusals_removed",
                                             (json_int_t)change.refusals_removed, "lines", list));
    } else if (lines.n == 0) {
        printf("nothing changes\n");
    } else {
        print_lines(stdout, writer_slice(&lines));
        if (lines.overflow)
            printf("... and more\n");
    }
    free(room);
    return code;
}

static int diff_with_file(struct cli *cli, struct workspace *workspace, struct slice yaml)
{
    const char *subject = cli->arguments[0];
    const char *file = cli->arguments[1];
    struct yaml_problems problems;
    yaml_problems_init(&problems, file);
    SL_AUTO(policy_document) new = NULL;
    enum sl_err err = policy_load(yaml, workspace->config->vocabulary, &problems, &new);
    int code = EX_OK;
    if (err != SL_OK)
        code = problems_fail(cli, exit_code_of(err), &problems,
                             "%s is not a policy that could be put", file);
    yaml_problems_deinit(&problems);
    if (code != EX_OK)
        return code;
    if (!slice_equals_str(new->subject, subject))
        return cli_fail(cli, EX_DATAERR, "%s is a policy of \"%.*s\", not of \"%s\"", file,
                        SLICE_PRINTF(new->subject), subject);

    struct store_version current;
    code = workspace_version(workspace, subject, 0, &current);
    if (code != EX_OK)
        return code;
    SL_AUTO(policy_document) old = load_quietly(workspace->config, current.yaml);
    store_read_end(workspace->reader);
    if (!old)
        return cli_fail(cli, EX_DATAERR,
                        "the policy in force uses words that the vocabulary no longer has");
    return print_diff(cli, old, new);
}

int policy_diff_run(struct cli *cli)
{
    struct workspace workspace = {0};
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    int code = workspace_open_store(&workspace, cli);
    if (code == EX_OK)
        code = textfile_read(cli, cli->arguments[1], FILE_BYTES_MAX, &bytes, &n_bytes);
    if (code == EX_OK)
        code = diff_with_file(cli, &workspace, slice_of(bytes, n_bytes));
    free(bytes);
    workspace_close(&workspace);
    return code;
}
