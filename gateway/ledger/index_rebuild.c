/*
 * index_rebuild.c - recover() into an empty index, and a rename
 *
 *     index        what was there                        index       the new one
 *     index.new    an empty one, filled by recover()  ⇒   (removed)   what was there
 *
 * Whoever calls this may do so because the index is damaged, and LMDB may not survive reading it.
 * So what it had seen is asked in a child (base/apart.h).
 */
#include "ledger/index_rebuild.h"

#include "base/apart.h"
#include "base/plural.h"
#include "ledger/folder_reader.h"
#include "ledger/keyring.h"
#include "ledger/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct rebuilding {
    const struct recorder_config *config;
    struct recorder_problem *problem;
    char new_folder[PATH_BYTES], old_folder[PATH_BYTES];
    struct keyring_list keys;
};

static SL_PRINTF(2, 3) enum sl_err refuse(struct rebuilding *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->problem->text, sizeof r->problem->text, format, args);
    va_end(args);
    return SL_ESTORE;
}

/* --------------------------------------------------------------------------------- folders -- */

/* An index's folder holds these two files. One that is not there is removed already. */
static int remove_index(const char *folder)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    char path[PATH_BYTES + 16];
    for (size_t i = 0; i < SL_LENGTH(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            return errno;
    }
    return rmdir(folder) == 0 || errno == ENOENT ? 0 : errno;
}

static enum sl_err clear(struct rebuilding *r, const char *folder)
{
    int err = remove_index(folder);
    return err == 0 ? SL_OK : refuse(r, "%.400s can't be removed: %s", folder, strerror(err));
}

/* Leaves the old index in new_folder or old_folder, to be removed. 0 or an error number. */
static int put_in_place(const struct rebuilding *r)
{
    const char *index = r->config->index_folder;
    if (renameat2(AT_FDCWD, r->new_folder, AT_FDCWD, index, RENAME_EXCHANGE) == 0)
        return 0;
    /* There is none, or the file system can't exchange two. */
    if (errno != ENOENT && rename(index, r->old_folder) != 0)
        return errno;
    return rename(r->new_folder, index) == 0 ? 0 : errno;
}

static enum sl_err take_the_old_ones_place(struct rebuilding *r)
{
    int err = put_in_place(r);
    if (err != 0)
        return refuse(r, "the new index can't take the place of %.300s: %s",
                      r->config->index_folder, strerror(err));
    char parent[PATH_BYTES + 8];
    snprintf(parent, sizeof parent, "%s/..", r->config->index_folder);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    SL_TRY(clear(r, r->new_folder));
    return clear(r, r->old_folder);
}

/* ----------------------------------------------------------------- what the old one had seen -- */

struct seen {
    bool found;
    struct ledger_held held;
};

static void look_at_old(void *context, void *answer)
{
    const char *folder = context;
    struct seen *seen = answer;
    struct index_problem problem;
    struct index_state state;
    struct index_reader *reader = NULL;
    bool found = false;
    if (index_reader_open(folder, &problem, &reader) != SL_OK ||
        index_reader_state(reader, &state, &found) != SL_OK)
        _exit(1);
    seen->found = found;
    seen->held.size = found ? state.size : 0;
    if (found)
        memcpy(seen->held.root, state.root, sizeof seen->held.root);
}

static enum sl_err ask_old(struct rebuilding *r, struct seen *seen, struct index_rebuilt *out)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/data.mdb", r->config->index_folder);
    out->had_old = access(path, F_OK) == 0;
    if (!out->had_old)
        return SL_OK;
    union {
        const char *from;
        void *to;
    } folder = {.from = r->config->index_folder};
    if (apart_run(look_at_old, folder.to, seen, sizeof *seen, &out->old_was_read) != SL_OK)
        return refuse(r, "a process to look at the old index can't be started");
    out->n_old_seen = seen->held.size;
    return SL_OK;
}

static enum sl_err compare(struct rebuilding *r, const struct seen *seen)
{
    SL_AUTO(ledger_reader) reader = NULL;
    struct ledger_problem problem;
    struct ledger_head head;
    uint8_t root[SHA256_BYTES];
    if (!seen->found)
        return SL_OK;
    if (folder_reader_open(r->config->folder, r->new_folder, &r->keys.list, &problem, &reader) !=
        SL_OK)
        return refuse(r, "%.500s", problem.text);
    ledger_reader_head(reader, &head);
    if (seen->held.size > head.tree.size)
        return refuse(r,
                      "ledger %.200s is behind what its index has seen: %llu %s, not %llu; it "
                      "was cut off, or restored from an old copy: restore the newest copy. The old "
                      "index stays",
                      r->config->folder, (unsigned long long)head.tree.size,
                      plural(head.tree.size, "receipt", "receipts"),
                      (unsigned long long)seen->held.size);
    if (ledger_reader_root(reader, &head, seen->held.size, root) != SL_OK)
        return refuse(r, "%.500s", ledger_reader_problem(reader));
    if (memcmp(root, seen->held.root, sizeof root) != 0)
        return refuse(r,
                      "ledger %.200s is another one than its index has seen: its first %llu "
                      "%s not the same; restore the newest copy. The old index stays",
                      r->config->folder, (unsigned long long)seen->held.size,
                      plural(seen->held.size, "receipt is", "receipts are"));
    return SL_OK;
}

/* ---------------------------------------------------------------------------------- making -- */

static enum sl_err read_keys(struct rebuilding *r)
{
    const struct keyring keyring = {r->config->key_file, r->config->vkey_file, r->config->origin};
    struct note_problem problem = {"out of memory"};
    enum sl_err err = keyring_list_read(&keyring, &problem, &r->keys);
    return err == SL_OK ? SL_OK : refuse(r, "%.500s", problem.text);
}

static enum sl_err make_new(struct rebuilding *r, struct index_rebuilt *out)
{
    struct recorder_config config = *r->config;
    config.index_folder = r->new_folder;
    SL_AUTO(ledger_index) index = NULL;
    struct index_problem problem = {"out of memory"};
    struct recovery found;
    enum sl_err err = index_open(r->new_folder, &problem, &index);
    if (err != SL_OK)
        return refuse(r, "%.500s", problem.text);
    SL_TRY(recover(&config, &r->keys.list.keys[0], index, r->problem, &found));
    out->n_receipts = found.tree.size;
    return SL_OK;
}

static enum sl_err rebuild(struct rebuilding *r, struct index_rebuilt *out)
{
    struct seen seen = {0};
    SL_TRY(clear(r, r->new_folder));
    SL_TRY(clear(r, r->old_folder));
    SL_TRY(ask_old(r, &seen, out));
    SL_TRY(read_keys(r));
    enum sl_err err = make_new(r, out);
    if (err == SL_OK)
        err = compare(r, &seen);
    if (err == SL_OK)
        return take_the_old_ones_place(r);
    (void)remove_index(r->new_folder);
    return err;
}

enum sl_err index_rebuild(const struct recorder_config *config, struct recorder_problem *problem,
                          struct index_rebuilt *out)
{
    struct rebuilding *r = calloc(1, sizeof *r);
    snprintf(problem->text, sizeof problem->text, "out of memory");
    if (!r)
        return SL_EINTERNAL;
    r->config = config;
    r->problem = problem;
    struct index_rebuilt rebuilt = {0};
    int n_new = snprintf(r->new_folder, sizeof r->new_folder, "%s.new", config->index_folder);
    int n_old = snprintf(r->old_folder, sizeof r->old_folder, "%s.old", config->index_folder);
    enum sl_err err = n_new < PATH_BYTES && n_old < PATH_BYTES
                          ? rebuild(r, &rebuilt)
                          : refuse(r, "the path of the index is too long");
    free(r);
    if (err == SL_OK)
        *out = rebuilt;
    return err;
}
