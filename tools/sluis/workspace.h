/*
 * workspace.h - the configuration and the store beside it, opened for reading
 *
 * Shape   a command declares a workspace, opens what it needs, and closes it at the end; what goes
 *         wrong is said once, here, and the exit code is given back
 * Rule    close the reading part before ask_node(): a process must not open the store twice
 */
#ifndef SLUIS_TOOLS_WORKSPACE_H
#define SLUIS_TOOLS_WORKSPACE_H

#include "common/cli.h"
#include "config/config.h"
#include "store/store.h"

struct workspace {
    const struct cli *cli;
    struct config *config;
    struct store *store; /* NULL when no policy was ever put */
    struct store_reader *reader;
};

/* The file of -c, or sluis.yaml. */
const char *workspace_config_file(const struct cli *cli);
SL_NODISCARD int workspace_open_config(struct workspace *workspace, const struct cli *cli);
/* The configuration as well. */
SL_NODISCARD int workspace_open_store(struct workspace *workspace, const struct cli *cli);
void workspace_close_store(struct workspace *workspace);
void workspace_close(struct workspace *workspace);

/* <state>/<name> */
void workspace_path(const struct workspace *workspace, const char *name, char *out, size_t cap);

/* Says so when there is no such subject. */
SL_NODISCARD int workspace_find(struct workspace *workspace, const char *subject,
                                uint8_t id[STORE_SUBJECT_ID_BYTES]);
/* Every subject, in the order of names; *list is the caller's. */
struct workspace_subject {
    char name[STORE_SUBJECT_NAME_BYTES_MAX + 1];
    uint8_t id[STORE_SUBJECT_ID_BYTES];
};
SL_NODISCARD int workspace_subjects(struct workspace *workspace, struct workspace_subject **list,
                                    size_t *n);
/*
 * A version of a subject's policy, 0 for the one in force; says so when there is none. Slices in
 * *out live until store_read_end().
 */
SL_NODISCARD int workspace_version(struct workspace *workspace, const char *subject,
                                   uint64_t version, struct store_version *out);
int workspace_store_failed(const struct workspace *workspace);

/*
 * Gives a call (see docs/formats/control.md) to whoever may write: a running sluisd, or this
 * process when it can take the node. Releases `request`. *answer is the caller's.
 */
SL_NODISCARD int ask_node(const struct cli *cli, const struct config *config, json_t *request,
                          json_t **answer);
/* The same in three steps, for several calls; what the node does in between goes on. */
struct asking;
SL_NODISCARD int ask_open(const struct cli *cli, const struct config *config, struct asking **out);
SL_NODISCARD int ask_call(struct asking *asking, json_t *request, json_t **answer);
void ask_close(struct asking *asking);
/* As ask_node(), but a running sluisd only; false, and nothing said, when none answers. */
bool ask_daemon(const struct config *config, json_t *request, json_t **answer);
/* The exit code of an answer's outcome; what is no success is said. */
int answer_code(const struct cli *cli, const json_t *answer);
struct slice answer_text(const json_t *answer, const char *member);

#endif
