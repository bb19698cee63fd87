/*
 * restore.c - what is known of the ledger from elsewhere, before a copy takes its place
 */
#include "flow/restore.h"

#include "base/durable_file.h"
#include "config/keys.h"
#include "ledger/first_key.h"
#include "ledger/index.h"
#include "ledger/last_checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct restoring {
    struct archive_restore_request request;
    struct vkey_list keys;
    char key_file[KEYS_PATH_BYTES], index_folder[KEYS_PATH_BYTES];
    uint8_t key_text[VKEY_LIST_BYTES_MAX];
};

static enum node_state broken(struct node_problem *problem, const char *text)
{
    snprintf(problem->text, sizeof problem->text, "%s", text);
    return NODE_BROKEN;
}

static enum node_state read_keys(struct restoring *r, const struct config *config,
                                 struct node_problem *problem)
{
    const char *name;
    size_t n = 0, line = 1;
    int folder_fd = durable_folder_open(r->key_file, &name);
    enum sl_err err = SL_ESTORE;
    if (folder_fd >= 0)
        err = durable_file_read(folder_fd, name, r->key_text, sizeof r->key_text, &n);
    int reason = errno;
    if (folder_fd >= 0)
        close(folder_fd);
    if (err == SL_ESTORE || n == 0) {
        snprintf(problem->text, sizeof problem->text,
                 "the ledger's public keys can't be read from %.300s: %s; name a file with --key",
                 r->key_file, err == SL_ESTORE ? strerror(reason) : "there is no such file");
        return NODE_BROKEN;
    }
    if (err != SL_OK || vkey_list_parse(slice_of(r->key_text, n), &r->keys, &line) != SL_OK ||
        !slice_equals(vkey_list_name(&r->keys), config->origin)) {
        snprintf(problem->text, sizeof problem->text,
                 "%.300s, line %zu: not a public key of the ledger \"%.*s\"; expected its first "
                 "key, or all that it has had, one a line",
                 r->key_file, line, SLICE_PRINTF(config->origin));
        return NODE_BROKEN;
    }
    r->request.keys = &r->keys;
    return NODE_OPENED;
}

/* The archive begins with its first key, wherever that stands in the file. */
static enum node_state check_first_key(struct restoring *r, const char *archive,
                                       struct node_problem *problem)
{
    uint8_t id[NOTE_KEY_ID_BYTES];
    const uint8_t *listed = r->keys.keys[0].id;
    const struct slice name = vkey_list_name(&r->keys);
    if (first_key_put_first(archive, &r->keys, id) != FIRST_KEY_OTHER)
        return NODE_OPENED;
    snprintf(
        problem->text, sizeof problem->text,
        "%.150s begins under the key %.*s+%02x%02x%02x%02x, and %.100s does not list it (found "
        "%02x%02x%02x%02x): the ledger went over to another key later. Name a file with its "
        "first key, or all, with --key, such as the ledger.vkey of the same backup",
        archive, (int)(name.n < 128 ? name.n : 128), (const char *)name.p, id[0], id[1], id[2],
        id[3], r->key_file, listed[0], listed[1], listed[2], listed[3]);
    return NODE_BROKEN;
}

/* An index that can't be read knows nothing; the next start will say so. */
static void ask_index(struct restoring *r, struct archive_evidence *out)
{
    SL_AUTO(ledger_index) index = NULL;
    struct index_problem problem;
    struct index_state state;
    bool found = false;
    char data[KEYS_PATH_BYTES + 16];
    struct stat stat_of;
    snprintf(data, sizeof data, "%s/data.mdb", r->index_folder);
    if (stat(data, &stat_of) != 0 || index_open(r->index_folder, &problem, &index) != SL_OK ||
        index_state_get(index, &state, &found) != SL_OK || !found)
        return;
    out->held.size = state.size;
    memcpy(out->held.root, state.root, sizeof out->held.root);
    out->from = r->index_folder;
}

static enum node_state gather(struct restoring *r, const struct restore_request *request,
                              struct node_problem *problem)
{
    struct archive_restore_request *to = &r->request;
    struct last_checkpoint_problem last_problem;
    const char *last = request->config->last_checkpoint;
    to->archive = request->archive;
    to->state_folder = request->state_folder;
    to->progress = request->reading.progress;
    to->progress_context = request->reading.progress_context;
    if (keys_path(request->state_folder, STATE_LEDGER_VKEY, r->key_file) != SL_OK ||
        keys_path(request->state_folder, STATE_INDEX, r->index_folder) != SL_OK)
        return broken(problem, "the path of the state folder is too long");
    if (request->key_file)
        snprintf(r->key_file, sizeof r->key_file, "%s", request->key_file);
    if (read_keys(r, request->config, problem) != NODE_OPENED ||
        check_first_key(r, request->archive, problem) != NODE_OPENED)
        return NODE_BROKEN;
    to->evidence[0].from = last;
    if (last && last_checkpoint_read(last, request->config->origin, &last_problem,
                                     &to->evidence[0].held) != SL_OK)
        return broken(problem, last_problem.text);
    ask_index(r, &to->evidence[1]);
    return NODE_OPENED;
}

/* The state folder may be a new one; its parent must be there. */
static enum node_state make_folder(const char *path, bool *is_made, struct node_problem *problem)
{
    *is_made = mkdir(path, 0700) == 0;
    if (*is_made || errno == EEXIST)
        return NODE_OPENED;
    snprintf(problem->text, sizeof problem->text, "the state folder %.300s can't be made: %s", path,
             strerror(errno));
    return NODE_BROKEN;
}

/* One that was made in vain goes again. */
static void remove_folder(const char *path)
{
    char lock[KEYS_PATH_BYTES], restoring[KEYS_PATH_BYTES];
    struct stat stat_of;
    int n = snprintf(restoring, sizeof restoring, "%s/" ARCHIVE_RESTORING, path);
    if (n < (int)sizeof restoring && stat(restoring, &stat_of) == 0)
        return;
    if (keys_path(path, STATE_LOCK, lock) == SL_OK)
        (void)unlink(lock);
    (void)rmdir(path);
}

enum node_state restore_ledger(const struct restore_request *request, struct node_problem *problem,
                               struct archive_result *out)
{
    struct restoring *r = calloc(1, sizeof *r);
    struct archive_problem archive_problem;
    int lock_fd = -1;
    bool is_made = false;
    if (!r)
        return broken(problem, "out of memory");
    enum node_state state = make_folder(request->state_folder, &is_made, problem);
    if (state == NODE_OPENED)
        state = lock_take_to_restore(request->state_folder, problem, &lock_fd);
    if (state == NODE_OPENED)
        state = gather(r, request, problem);
    if (state == NODE_OPENED && archive_restore(&r->request, &archive_problem, out) != SL_OK)
        state = broken(problem, archive_problem.text);
    if (state != NODE_OPENED && is_made)
        remove_folder(request->state_folder);
    if (lock_fd >= 0)
        close(lock_fd);
    free(r);
    return state;
}
