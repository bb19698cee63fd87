/*
 * archive_restore.c - from an archive to a state folder that has no ledger
 *
 *     archive/ ──copy, prove──▶ state/ledger.restoring/ ──all of it, up to the checkpoint──▶
 *                                                          state/ledger/
 *
 * The ledger has no name before it is whole, and while the other folder is there no gateway starts:
 * it would begin a second history under the same keys. A copy that is behind what is known from
 * elsewhere is refused for the same reason, and as early as that can be told.
 */
#include "ledger/archive_copy.h"

#include "base/durable_file.h"
#include "base/plural.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct restoring {
    const struct archive_restore_request *request;
    struct archive_problem *problem;
    struct archive_copier copier;
    struct archive_manifest manifest;
    uint64_t n_segments; /* that are whole */
    char ledger[ARCHIVE_PATH_BYTES], restoring[ARCHIVE_PATH_BYTES];
    uint8_t text[ARCHIVE_MANIFEST_BYTES_MAX];
};

/* ------------------------------------------------------------------------------ the archive -- */

static enum sl_err read_manifest(struct restoring *r)
{
    const char *archive = r->request->archive;
    struct slice origin = vkey_list_name(r->request->keys);
    size_t n = 0;
    int fd = open(archive, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum sl_err err = SL_ESTORE;
    if (fd >= 0)
        err = durable_file_read(fd, "manifest", r->text, sizeof r->text, &n);
    int reason = errno;
    if (fd >= 0)
        close(fd);
    if (err == SL_ESTORE)
        return archive_refuse(r->problem, err, "%.300s can't be read: %s", archive,
                              strerror(reason));
    if (err == SL_OK && n == 0)
        return archive_refuse(r->problem, SL_EMALFORMED,
                              "%.300s is no archive: there is no manifest in it, so nobody knows "
                              "how far it should reach",
                              archive);
    if (err != SL_OK || archive_manifest_parse(slice_of(r->text, n), &r->manifest) != SL_OK)
        return archive_refuse(r->problem, SL_EMALFORMED,
                              "the manifest in %.300s was changed, or is none", archive);
    struct slice found = r->manifest.state.key.name;
    if (!slice_equals(found, origin))
        return archive_refuse(r->problem, SL_EMALFORMED,
                              "%.200s is the archive of the ledger \"%.*s\", and the keys are of "
                              "\"%.*s\"",
                              archive, SLICE_PRINTF(found), SLICE_PRINTF(origin));
    if (!archive_is_signed(r->request->keys, r->manifest.note))
        return archive_refuse(r->problem, SL_EMALFORMED,
                              "the checkpoint in the manifest of %.300s is not signed by a key of "
                              "the ledger \"%.*s\": it was changed, or the archive is newer than "
                              "state/keys/ledger.vkey. Restore another copy of the archive",
                              archive, SLICE_PRINTF(origin));
    return SL_OK;
}

/* Before anything is copied: does the archive reach far enough? */
static enum sl_err check_reach(struct restoring *r)
{
    uint64_t size = r->manifest.newest.size;
    for (size_t i = 0; i < ARCHIVE_EVIDENCE_MAX; i++) {
        const struct archive_evidence *evidence = &r->request->evidence[i];
        r->copier.evidence[i] = *evidence;
        if (evidence->held.size > size)
            return archive_refuse(
                r->problem, SL_EMALFORMED,
                "%.200s ends after %llu %s, and %.200s knows of %llu: it is an older copy. Going "
                "on "
                "from it would sign a second history: use the newest one, or begin a new ledger "
                "under a new origin",
                r->request->archive, (unsigned long long)size, plural(size, "receipt", "receipts"),
                evidence->from, (unsigned long long)evidence->held.size);
    }
    return SL_OK;
}

/* ------------------------------------------------------------------------- the state folder -- */

static bool has_segments(const char *folder)
{
    DIR *listing = opendir(folder);
    bool found = false;
    uint64_t first;
    for (struct dirent *entry; listing && !found && (entry = readdir(listing));)
        found = segment_name_parse(slice_of_str(entry->d_name), &first);
    if (listing)
        closedir(listing);
    return found;
}

static enum sl_err open_folders(struct restoring *r)
{
    const char *state = r->request->state_folder;
    int n = snprintf(r->ledger, sizeof r->ledger, "%s/ledger", state);
    int m = snprintf(r->restoring, sizeof r->restoring, "%s/" ARCHIVE_RESTORING, state);
    if (n >= (int)sizeof r->ledger || m >= (int)sizeof r->restoring)
        return archive_refuse(r->problem, SL_EMALFORMED, "the path %.300s is too long", state);
    if (has_segments(r->ledger))
        return archive_refuse(r->problem, SL_EMALFORMED,
                              "there is a ledger in %.300s already, and it is never overwritten: "
                              "set it aside first, and keep it as evidence",
                              r->ledger);
    if (mkdir(r->restoring, 0700) != 0 && errno != EEXIST)
        return archive_refuse(r->problem, SL_ESTORE, "%.300s can't be made: %s", r->restoring,
                              strerror(errno));
    struct archive_copier *copier = &r->copier;
    copier->from = r->request->archive;
    copier->to = r->restoring;
    copier->is_at_rest = true;
    copier->problem = r->problem;
    copier->progress = r->request->progress;
    copier->progress_context = r->request->progress_context;
    SL_TRY(archive_copier_open(copier, &r->request->keys->keys[0]));
    return archive_clear_incoming(copier);
}

/* --------------------------------------------------------------------------------- copying -- */

static bool has_segment(int folder_fd, uint64_t first)
{
    char name[SEGMENT_NAME_BYTES + 1];
    struct stat stat;
    segment_name(first, name);
    return fstatat(folder_fd, name, &stat, 0) == 0;
}

static void count_bytes(struct restoring *r)
{
    DIR *listing = opendir(r->request->archive);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        uint64_t first;
        struct stat stat;
        if (segment_name_parse(slice_of_str(entry->d_name), &first) &&
            fstatat(dirfd(listing), entry->d_name, &stat, 0) == 0)
            r->copier.bytes_total += 2 * (uint64_t)stat.st_size;
    }
    if (listing)
        closedir(listing);
}

/* From this receipt on: they are copied again, or do not belong here. */
static enum sl_err remove_segments(struct restoring *r, uint64_t begin)
{
    DIR *listing = opendir(r->restoring);
    bool done = listing != NULL;
    uint64_t first;
    for (struct dirent *entry; done && (entry = readdir(listing));)
        if (segment_name_parse(slice_of_str(entry->d_name), &first) && first >= begin)
            done = unlinkat(r->copier.to_fd, entry->d_name, 0) == 0;
    int reason = errno;
    if (listing)
        closedir(listing);
    return done ? SL_OK
                : archive_refuse(r->problem, SL_ESTORE, "%.300s can't be cleared: %s", r->restoring,
                                 strerror(reason));
}

/* What an earlier run has put there, as far as it holds; the rest is copied again. */
static enum sl_err take_what_is_there(struct restoring *r)
{
    struct archive_boundary last;
    if (!has_segment(r->copier.to_fd, 0))
        return SL_OK;
    enum sl_err err = archive_prove_copied(&r->copier, &last);
    if (err == SL_ESTORE || err == SL_EINTERNAL)
        return err;
    /* The last one is copied again whether it holds or not: it may have been the one in use. */
    r->copier.state = last.state;
    r->n_segments = last.n_segments;
    for (size_t i = 0; i < ARCHIVE_EVIDENCE_MAX; i++)
        if (r->request->evidence[i].held.size > last.state.tree.size)
            r->copier.evidence[i] = r->request->evidence[i]; /* to be met once more */
    return remove_segments(r, last.state.tree.size);
}

static enum sl_err copy_all(struct restoring *r)
{
    const struct checkpoint *newest = &r->manifest.newest;
    uint64_t n_receipts;
    while (r->copier.state.tree.size < newest->size) {
        bool is_last = r->n_segments == r->manifest.n_segments;
        if (!has_segment(r->copier.from_fd, r->copier.state.tree.size))
            return archive_refuse(r->problem, SL_EMALFORMED,
                                  "the archive %.300s has no segment that begins with receipt %llu",
                                  r->request->archive,
                                  (unsigned long long)r->copier.state.tree.size);
        SL_TRY(archive_copy_segment(&r->copier, is_last, &n_receipts));
        r->n_segments++;
        if (is_last || n_receipts == 0)
            break;
    }
    uint8_t root[SHA256_BYTES];
    tree_root(&r->copier.state.tree, root);
    uint64_t size = r->copier.state.tree.size;
    if (size == newest->size && memcmp(root, newest->root, sizeof root) == 0)
        return archive_check_evidence(&r->copier);
    return archive_refuse(r->problem, SL_EMALFORMED,
                          "the archive %.200s holds %llu %s, and its manifest tells of %llu, or of "
                          "others: it was cut off, or changed; use another copy of the archive",
                          r->request->archive, (unsigned long long)size,
                          plural(size, "receipt", "receipts"), (unsigned long long)newest->size);
}

/* ------------------------------------------------------------------------------ the name -- */

static enum sl_err cannot_name(struct restoring *r)
{
    return archive_refuse(r->problem, SL_ESTORE, "%.300s can't be put in place of %.300s: %s",
                          r->restoring, r->ledger, strerror(errno));
}

/* An empty ledger may have been begun in vain; what it has left makes place. */
static bool clear_place(const char *ledger)
{
    static const char *const leftovers[] = {"lock", "next.tmp"};
    int fd = open(ledger, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    bool done = true;
    for (size_t i = 0; done && i < SL_LENGTH(leftovers); i++)
        done = unlinkat(fd, leftovers[i], 0) == 0 || errno == ENOENT;
    done = done && (unlinkat(fd, "heads", AT_REMOVEDIR) == 0 || errno == ENOENT);
    close(fd);
    return done && rmdir(ledger) == 0;
}

static enum sl_err give_name(struct restoring *r)
{
    SL_TRY(archive_remove_incoming(&r->copier));
    int fd = open(r->request->state_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cannot_name(r);
    bool named = clear_place(r->ledger) && rename(r->restoring, r->ledger) == 0 && fsync(fd) == 0;
    int reason = errno;
    close(fd);
    errno = reason;
    return named ? SL_OK : cannot_name(r);
}

enum sl_err archive_restore(const struct archive_restore_request *request,
                            struct archive_problem *problem, struct archive_result *out)
{
    struct restoring *r = calloc(1, sizeof *r);
    if (!r)
        return archive_refuse(problem, SL_EINTERNAL, "out of memory");
    r->request = request;
    r->problem = problem;
    r->copier.from_fd = r->copier.to_fd = r->copier.incoming_fd = -1;
    enum sl_err err = read_manifest(r);
    if (err == SL_OK)
        err = check_reach(r);
    if (err == SL_OK)
        err = open_folders(r);
    count_bytes(r);
    if (err == SL_OK)
        err = take_what_is_there(r);
    uint64_t n_before = r->n_segments;
    if (err == SL_OK)
        err = copy_all(r);
    if (err == SL_OK)
        err = give_name(r);
    if (err == SL_OK)
        *out = (struct archive_result){r->n_segments, r->n_segments - n_before,
                                       r->copier.state.tree.size};
    if (err != SL_OK && r->copier.to && !has_segments(r->restoring))
        archive_discard(&r->copier);
    archive_copier_close(&r->copier);
    free(r);
    return err;
}
