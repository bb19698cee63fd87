/*
 * workspace.c - opens the configuration, and the store read-only
 *
 * LMDB lets any number of processes read while sluisd writes, so reading needs no daemon and no
 * lock. A node that was just made has no store yet: that is not an error, it has no subjects.
 */
#include "workspace.h"

#include "commands.h"
#include "common/problems.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *workspace_config_file(const struct cli *cli)
{
    return cli->values[KEY_CONFIG] ? cli->values[KEY_CONFIG] : "sluis.yaml";
}

int workspace_open_config(struct workspace *workspace, const struct cli *cli)
{
    workspace->cli = cli;
    const char *file = workspace_config_file(cli);
    struct yaml_problems problems;
    yaml_problems_init(&problems, file);
    enum sl_err err = config_load(file, &problems, &workspace->config);
    int code = EX_OK;
    if (err != SL_OK)
        code = problems_fail(cli, EX_CONFIG, &problems,
                             "the configuration %s can't be used; name another with -c, or make "
                             "one with: sluis init DIR",
                             file);
    yaml_problems_deinit(&problems);
    return code;
}

void workspace_path(const struct workspace *workspace, const char *name, char *out, size_t cap)
{
    snprintf(out, cap, "%s/%s", workspace->config->state_folder, name);
}

int workspace_open_store(struct workspace *workspace, const struct cli *cli)
{
    int code = workspace_open_config(workspace, cli);
    if (code != EX_OK)
        return code;
    char data[4096];
    char folder[4096];
    char key[4096];
    workspace_path(workspace, "store/data.mdb", data, sizeof data);
    workspace_path(workspace, "store", folder, sizeof folder);
    workspace_path(workspace, "keys/kek.key", key, sizeof key);
    if (access(workspace->config->state_folder, X_OK) != 0)
        return cli_fail(cli, EX_NOINPUT,
                        "the state folder %s is not there, or not yours; `sluis init` makes one",
                        workspace->config->state_folder);
    if (access(data, F_OK) != 0)
        return EX_OK;
    struct store_problem problem = {""};
    enum sl_err err = store_open(folder, key, true, &problem, &workspace->store);
    if (err != SL_OK)
        return cli_fail(cli, exit_code_of(err), "%s", problem.text);
    if (store_reader_new(workspace->store, &workspace->reader) != SL_OK)
        return workspace_store_failed(workspace);
    return EX_OK;
}

void workspace_close_store(struct workspace *workspace)
{
    store_reader_free(workspace->reader);
    store_free(workspace->store);
    workspace->reader = NULL;
    workspace->store = NULL;
}

void workspace_close(struct workspace *workspace)
{
    workspace_close_store(workspace);
    config_free(workspace->config);
    workspace->config = NULL;
}

int workspace_store_failed(const struct workspace *workspace)
{
    struct store_problem problem;
    store_failure(workspace->store, &problem);
    return cli_fail(workspace->cli, EX_IOERR, "%s",
                    problem.text[0] ? problem.text : "the store can't be read");
}

int workspace_find(struct workspace *workspace, const char *subject,
                   uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    bool found = false;
    if (workspace->reader &&
        store_find(workspace->reader, slice_of_str(subject), id, &found) != SL_OK)
        return workspace_store_failed(workspace);
    if (!found)
        return cli_fail(workspace->cli, EX_NOINPUT,
                        "there is no subject \"%s\"; `sluis subject list` names all", subject);
    return EX_OK;
}

struct subject_list {
    struct workspace_subject *list;
    size_t n, cap;
    bool failed;
};

static bool add_subject(void *context, struct slice name, const uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    struct subject_list *subjects = context;
    if (subjects->n == subjects->cap) {
        size_t cap = subjects->cap ? 2 * subjects->cap : 64;
        struct workspace_subject *list = realloc(subjects->list, cap * sizeof *list);
        subjects->failed = !list;
        if (!list)
            return false;
        subjects->list = list;
        subjects->cap = cap;
    }
    struct workspace_subject *subject = &subjects->list[subjects->n++];
    snprintf(subject->name, sizeof subject->name, "%.*s", SLICE_PRINTF(name));
    memcpy(subject->id, id, sizeof subject->id);
    return true;
}

int workspace_subjects(struct workspace *workspace, struct workspace_subject **list, size_t *n)
{
    struct subject_list subjects = {0};
    int code = EX_OK;
    if (workspace->reader && store_each(workspace->reader, add_subject, &subjects) != SL_OK)
        code = workspace_store_failed(workspace);
    else if (subjects.failed)
        code = cli_fail(workspace->cli, EX_SOFTWARE, "out of memory");
    if (code != EX_OK) {
        free(subjects.list);
        return code;
    }
    *list = subjects.list;
    *n = subjects.n;
    return EX_OK;
}

int workspace_version(struct workspace *workspace, const char *subject, uint64_t version,
                      struct store_version *out)
{
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    int code = workspace_find(workspace, subject, id);
    if (code != EX_OK)
        return code;
    struct store_subject now;
    if (store_read(workspace->reader, id, &now) != SL_OK)
        return workspace_store_failed(workspace);
    uint64_t newest = now.version;
    store_read_end(workspace->reader);
    if (newest == 0)
        return cli_fail(workspace->cli, EX_NOINPUT, "%s has no policy yet", subject);
    if (version > newest)
        return cli_fail(workspace->cli, EX_NOINPUT,
                        "%s has no version %llu; the newest is version %llu", subject,
                        (unsigned long long)version, (unsigned long long)newest);
    bool found = false;
    if (store_version_get(workspace->reader, id, version ? version : newest, out, &found) != SL_OK)
        return workspace_store_failed(workspace);
    if (!found)
        return cli_fail(workspace->cli, EX_NOINPUT, "%s has no version %llu", subject,
                        (unsigned long long)version);
    return EX_OK;
}
