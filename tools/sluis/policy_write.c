/*
 * policy_write.c - check, put and withdraw
 *
 * A policy is checked here before it is given to the node, so that what is wrong with it is said
 * even when no node can be had; the node then checks it again, for itself, and also against its
 * configuration. Both use the same code.
 */
#include "commands.h"

#include "base/plural.h"
#include "common/problems.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "flow/withdraw.h"
#include "policy/policy.h"
#include "policy/vocabulary_default.h"
#include "workspace.h"

#include <stdlib.h>
#include <unistd.h>

/* More than a policy may have, so that the checker itself says that it is too long. */
enum { FILE_BYTES_MAX = 1 << 20 };

/* --- check ----------------------------------------------------------------------------------- */

/* With a configuration when there is one; without it, with the vocabulary of the build. */
static enum sl_err check_text(const struct config *config, struct slice yaml,
                              struct yaml_problems *problems, struct policy_document **out)
{
    SL_AUTO(vocabulary) built_in = NULL;
    const struct vocabulary *vocabulary = config ? config->vocabulary : NULL;
    if (!vocabulary) {
        SL_TRY(vocabulary_load(vocabulary_default_text(), problems, &built_in));
        vocabulary = built_in;
    }
    SL_AUTO(policy_document) policy = NULL;
    SL_TRY(policy_load(yaml, vocabulary, problems, &policy));
    if (config)
        config_check_policy(config, policy, problems);

    uint8_t *room = malloc(POLICY_BLOB_BYTES_MAX);
    if (!room)
        return SL_EINTERNAL;
    struct writer blob = writer_over(room, POLICY_BLOB_BYTES_MAX);
    enum sl_err err = policy_compile(policy, problems, &blob);
    free(room);
    SL_TRY(err);
    if (problems->n_errors > 0)
        return SL_EMALFORMED;
    if (out) {
        *out = policy;
        policy = NULL;
    }
    return SL_OK;
}

static int say_checked(struct cli *cli, const char *file, const struct config *config,
                       enum sl_err err, struct yaml_problems *problems)
{
    if (!cli->json)
        problems_print(problems);
    if (err == SL_EINTERNAL)
        return cli_fail(cli, EX_SOFTWARE, "out of memory");
    bool is_right = err == SL_OK;
    if (cli->json) {
        json_t *answer = json_pack("{s:b, s:b, s:o}", "right", is_right, "with_configuration",
                                   config != NULL, "problems", problems_json(problems));
        int code = cli_print_json(cli, answer);
        return code != EX_OK || is_right ? code : EX_DATAERR;
    }
    if (!is_right) {
        fprintf(stderr, "%zu %s\n", problems->n_errors,
                plural(problems->n_errors, "error", "errors"));
        return EX_DATAERR;
    }
    print_text(stdout, slice_of_str(file));
    print_styled(stdout, STYLE_GOOD, ": right");
    printf("%s\n", config ? ""
                          : ", but apps, partners and contracts were not checked: there is no "
                            "configuration here (-c FILE names one)");
    return EX_OK;
}

int policy_check_run(struct cli *cli)
{
    struct workspace workspace = {0};
    bool has_config = cli->given[KEY_CONFIG] || access("sluis.yaml", F_OK) == 0;
    int code = has_config ? workspace_open_config(&workspace, cli) : EX_OK;
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    if (code == EX_OK)
        code = textfile_read(cli, cli->arguments[0], FILE_BYTES_MAX, &bytes, &n_bytes);
    if (code == EX_OK) {
        struct yaml_problems problems;
        yaml_problems_init(&problems, cli->arguments[0]);
        enum sl_err err = check_text(workspace.config, slice_of(bytes, n_bytes), &problems, NULL);
        code = say_checked(cli, cli->arguments[0], workspace.config, err, &problems);
        yaml_problems_deinit(&problems);
    }
    free(bytes);
    workspace_close(&workspace);
    return code;
}

/* --- put ------------------------------------------------------------------------------------- */

/* The node's problems, as if they had been found here. */
static void take_over_problems(const json_t *answer, struct yaml_problems *problems)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(answer, "problems"), i, item)
    {
        uint32_t line = (uint32_t)json_integer_value(json_object_get(item, "line"));
        uint32_t column = (uint32_t)json_integer_value(json_object_get(item, "column"));
        struct slice text = answer_text(item, "text");
        if (slice_equals_str(answer_text(item, "level"), "warning"))
            yaml_warning_at(problems, line, column, "%.*s", SLICE_PRINTF(text));
        else
            yaml_error_at(problems, line, column, "%.*s", SLICE_PRINTF(text));
    }
}

static void print_counts(const json_t *change)
{
    static const struct {
        const char *member, *one, *many;
    } words[] = {
        {"granted", "consent granted", "consents granted"},
        {"changed", "changed", "changed"},
        {"withdrawn", "withdrawn", "withdrawn"},
        {"refusals_added", "refusal added", "refusals added"},
        {"refusals_removed", "refusal removed", "refusals removed"},
    };
    const char *comma = ": ";
    for (size_t i = 0; i < SL_LENGTH(words); i++) {
        json_int_t n = json_integer_value(json_object_get(change, words[i].member));
        if (n == 0)
            continue;
        printf("%s%lld %s", comma, (long long)n, n == 1 ? words[i].one : words[i].many);
        comma = ", ";
    }
}

static int say_put(struct cli *cli, const char *subject, json_t *answer)
{
    long long version = (long long)json_integer_value(json_object_get(answer, "version"));
    if (cli->json) {
        json_object_set_new(answer, "subject", json_of_slice(slice_of_str(subject)));
        return cli_print_json(cli, json_incref(answer));
    }
    if (slice_equals_str(answer_text(answer, "outcome"), "unchanged")) {
        print_text(stdout, slice_of_str(subject));
        printf(": this is version %lld, in force already; nothing was written\n", version);
        return EX_OK;
    }
    print_text(stdout, slice_of_str(subject));
    printf(": version %lld is in force", version);
    print_counts(json_object_get(answer, "change"));
    printf("; receipt %lld\n", (long long)json_integer_value(json_object_get(answer, "receipt")));
    return EX_OK;
}

static int not_put(const struct cli *cli, const char *file, struct yaml_problems *problems)
{
    return problems_fail(cli, EX_DATAERR, problems, "%s was not put in force; nothing changed",
                         file);
}

/* Gives the text to the node and says what came of it. `file` is what problems are shown under. */
static int put_text(struct cli *cli, const struct config *config, const char *file,
                    const char *subject, struct slice yaml, int64_t expected_version)
{
    json_t *request =
        json_pack("{s:s, s:s%}", "call", "policy_put", "yaml", (const char *)yaml.p, yaml.n);
    if (!request)
        return cli_fail(cli, EX_DATAERR, "%s is not text in UTF-8", file);
    if (expected_version >= 0)
        json_object_set_new(request, "expected_version", json_integer(expected_version));
    json_t *answer = NULL;
    int code = ask_node(cli, config, request, &answer);
    if (code != EX_OK)
        return code;

    struct yaml_problems problems;
    yaml_problems_init(&problems, file);
    take_over_problems(answer, &problems);
    if (slice_equals_str(answer_text(answer, "outcome"), "invalid")) {
        code = not_put(cli, file, &problems);
    } else {
        problems_print(&problems);
        code = answer_code(cli, answer);
        if (code == EX_OK)
            code = say_put(cli, subject, answer);
    }
    yaml_problems_deinit(&problems);
    json_decref(answer);
    return code;
}

static int put_file(struct cli *cli, const struct config *config, int64_t expected_version)
{
    const char *file = cli->arguments[0];
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    int code = textfile_read(cli, file, FILE_BYTES_MAX, &bytes, &n_bytes);
    if (code != EX_OK)
        return code;
    struct slice yaml = slice_of(bytes, n_bytes);
    struct yaml_problems problems;
    yaml_problems_init(&problems, file);
    SL_AUTO(policy_document) policy = NULL;
    /* Only the text: what the configuration says of it is the node's to say, with this file's
     * name. */
    if (policy_load(yaml, config->vocabulary, &problems, &policy) != SL_OK) {
        code = not_put(cli, file, &problems);
    } else {
        char subject[STORE_SUBJECT_NAME_BYTES_MAX + 1];
        snprintf(subject, sizeof subject, "%.*s", SLICE_PRINTF(policy->subject));
        code = put_text(cli, config, file, subject, yaml, expected_version);
    }
    yaml_problems_deinit(&problems);
    free(bytes);
    return code;
}

int policy_put_run(struct cli *cli)
{
    uint64_t expected = 0;
    if (cli->given[KEY_EXPECT] && !cli_value_u64(cli, KEY_EXPECT, "--expect", INT64_MAX, &expected))
        return EX_USAGE;
    struct workspace workspace = {0};
    int code = workspace_open_config(&workspace, cli);
    if (code == EX_OK)
        code = put_file(cli, workspace.config, cli->given[KEY_EXPECT] ? (int64_t)expected : -1);
    workspace_close(&workspace);
    return code;
}

/* --- withdraw -------------------------------------------------------------------------------- */

/* The policy without the consent, in `out`; the version that it was made from in *version. */
static int cut_consent(struct workspace *workspace, const char *subject, const char *consent,
                       struct writer *out, int64_t *version)
{
    struct store_version policy;
    int code = workspace_version(workspace, subject, 0, &policy);
    if (code != EX_OK)
        return code;
    *version = (int64_t)policy.version;
    enum withdraw_outcome outcome = withdraw_consent(policy.yaml, slice_of_str(consent), out);
    store_read_end(workspace->reader);
    if (outcome == WITHDRAW_NO_SUCH_CONSENT)
        return cli_fail(workspace->cli, EX_NOINPUT,
                        "%s has no consent \"%s\"; `sluis policy get %s` shows what there is",
                        subject, consent, subject);
    if (outcome == WITHDRAW_BY_HAND)
        return cli_fail(workspace->cli, EX_DATAERR,
                        "consent \"%s\" of %s has no lines of its own (JSON, a list in brackets); "
                        "take it out by hand: sluis policy get %s > FILE, edit it, sluis policy "
                        "put FILE",
                        consent, subject, subject);
    if (out->overflow)
        return cli_fail(workspace->cli, EX_SOFTWARE, "the policy is longer than it may be");
    return EX_OK;
}

int policy_withdraw_run(struct cli *cli)
{
    static uint8_t room[LIMIT_MAX_policy_bytes + 64];
    struct writer yaml = writer_over(room, sizeof room);
    int64_t version = 0;
    struct workspace workspace = {0};
    int code = workspace_open_store(&workspace, cli);
    if (code == EX_OK)
        code = cut_consent(&workspace, cli->arguments[0], cli->arguments[1], &yaml, &version);
    workspace_close_store(&workspace);
    if (code == EX_OK)
        code = put_text(cli, workspace.config, cli->arguments[0], cli->arguments[0],
                        writer_slice(&yaml), version);
    workspace_close(&workspace);
    return code;
}
