/*
 * ledger.c - the section `ledger`: what the ledger has beside its own folder
 */
#include "config/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The folder of `path`, without the slash. */
static const char *folder_of(struct build *build, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = build_array(build, strlen(path) + 2, 1);
    if (!folder)
        return NULL;
    int n = slash ? (int)(slash - path) : 0;
    snprintf(folder, strlen(path) + 2, "%.*s", n, path);
    if (n == 0)
        snprintf(folder, 2, "%s", slash ? "/" : ".");
    return folder;
}

static bool is_inside(const char *folder, const char *of)
{
    char *inner = realpath(folder, NULL);
    char *outer = realpath(of, NULL);
    size_t n = outer ? strlen(outer) : 0;
    bool inside =
        inner && outer && strncmp(inner, outer, n) == 0 && (inner[n] == '/' || inner[n] == '\0');
    free(inner);
    free(outer);
    return inside;
}

/* It serves when the state folder is lost, or an old copy of it is put back. */
static void check_place(struct build *build, const struct yaml_node *node, const char *path)
{
    const char *state_folder = build->config->state_folder;
    const char *folder = folder_of(build, path);
    struct stat there, state;
    if (!folder || !state_folder)
        return;
    if (stat(folder, &there) != 0) /* a gateway that runs goes on without it: no error */
        yaml_warning_at(build->problems, node->line, node->column,
                        "folder %s: %s; is its disk mounted? sluisd does not start without it",
                        folder, strerror(errno));
    else if (!S_ISDIR(there.st_mode))
        yaml_error_at(build->problems, node->line, node->column, "%s is not a folder", folder);
    else if (is_inside(folder, state_folder))
        yaml_error_at(build->problems, node->line, node->column,
                      "%s is in the state folder; expected a file on another disk: a copy of the "
                      "state folder that is put back must not bring its own last checkpoint along",
                      path);
    else if (stat(state_folder, &state) == 0 && state.st_dev == there.st_dev)
        yaml_warning_at(build->problems, node->line, node->column,
                        "%s is on the disk of the state folder; on another disk it would also "
                        "serve when that one is lost or put back from a copy",
                        path);
}

void build_ledger_section(struct build *build, const struct yaml_node *node)
{
    static const char *const keys[] = {"last_checkpoint", NULL};
    if (!yaml_check_keys(node, "`ledger`", keys, build->problems))
        return;
    const struct yaml_node *file = yaml_get(node, "last_checkpoint");
    if (!file || !build_path(build, file, &build->config->last_checkpoint) || build->offline)
        return;
    check_place(build, file, build->config->last_checkpoint);
}
