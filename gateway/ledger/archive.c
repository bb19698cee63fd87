/*
 * archive.c - from the ledger to the archive, as far as it has come
 *
 *     manifest ──▶ does it fit what is there? ──▶ next complete segment ──▶ manifest ─┐
 *        │ none                                        ▲                              │
 *        ▼                                             └──────────────────────────────┘
 *     prove what is there, from receipt 0                       the one in use ──▶ manifest
 *
 * The manifest is written after each segment, so a run that is cut short loses one at most. It is
 * believed only so far as it fits the copies: its checkpoint must be signed by one of the ledger's
 * keys, and its tree must lead to it, by way of the copy of the segment in use.
 */
#include "ledger/archive.h"

#include "base/durable_file.h"
#include "base/plural.h"
#include "ledger/archive_copy.h"
#include "ledger/archive_manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST     "manifest"
#define MANIFEST_NEW "manifest.tmp"

struct archiving {
    const struct archive_request *request;
    struct archive_problem *problem;
    struct archive_copier copier;
    int lock_fd;
    uint64_t n_segments;      /* complete ones that have their name */
    struct archive_state end; /* of them; the copier may be further */
    uint8_t manifest[ARCHIVE_MANIFEST_BYTES_MAX];
};

static enum sl_err refuse(struct archiving *a, const char *text)
{
    return archive_refuse(a->problem, SL_EMALFORMED, "%.300s %s", a->request->archive, text);
}

/* ----------------------------------------------------------------------------- the folders -- */

/* Is `fd` this folder, or one in it? Looks at its parents, up to the root. */
static bool is_inside(int fd, const struct stat *folder)
{
    bool found = false;
    struct stat here, above;
    int at = dup(fd);
    while (at >= 0 && !found && fstat(at, &here) == 0) {
        found = here.st_dev == folder->st_dev && here.st_ino == folder->st_ino;
        int parent = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool is_root = parent < 0 || fstat(parent, &above) != 0 ||
                       (above.st_dev == here.st_dev && above.st_ino == here.st_ino);
        close(at);
        at = parent;
        if (is_root)
            break;
    }
    if (at >= 0)
        close(at);
    return found;
}

static bool is_ours(const char *name)
{
    static const char *const known[] = {".",        "..",   MANIFEST, MANIFEST_NEW,
                                        "incoming", "lock", "heads",  "lost+found"};
    uint64_t first;
    for (size_t i = 0; i < SL_LENGTH(known); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return segment_name_parse(slice_of_str(name), &first);
}

/* Nothing is put among files that are no archive's. */
static enum sl_err check_contents(struct archiving *a)
{
    DIR *listing = opendir(a->request->archive);
    if (!listing)
        return archive_refuse(a->problem, SL_ESTORE, "%.300s can't be read: %s",
                              a->request->archive, strerror(errno));
    char other[NAME_MAX + 1] = "";
    for (struct dirent *entry; !other[0] && (entry = readdir(listing));)
        if (!is_ours(entry->d_name))
            snprintf(other, sizeof other, "%s", entry->d_name);
    closedir(listing);
    if (!other[0])
        return SL_OK;
    return archive_refuse(a->problem, SL_EMALFORMED,
                          "%.300s is no archive: there is \"%.100s\" in it; name an empty folder, "
                          "or one that does not exist",
                          a->request->archive, other);
}

static enum sl_err take_lock(struct archiving *a)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    a->lock_fd = openat(a->copier.to_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (a->lock_fd >= 0 && fcntl(a->lock_fd, F_OFD_SETLK, &whole) == 0)
        return SL_OK;
    bool is_held = a->lock_fd >= 0 && (errno == EAGAIN || errno == EACCES);
    if (is_held)
        return archive_refuse(a->problem, SL_EMALFORMED,
                              "%.300s is in use: another process archives to it, or it is the "
                              "ledger of a gateway",
                              a->request->archive);
    return archive_refuse(a->problem, SL_ESTORE, "%.300s/lock can't be opened for writing: %s",
                          a->request->archive, strerror(errno));
}

static enum sl_err open_folders(struct archiving *a)
{
    const struct archive_request *request = a->request;
    struct archive_copier *copier = &a->copier;
    struct stat ledger;
    int fd = open(request->archive, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_self = fd >= 0 && stat(request->ledger, &ledger) == 0 && is_inside(fd, &ledger);
    if (fd >= 0)
        close(fd);
    if (is_self)
        return refuse(a, "is the ledger itself, or in it; expected a folder elsewhere");
    if (mkdir(request->archive, 0700) != 0 && errno != EEXIST)
        return archive_refuse(a->problem, SL_ESTORE, "%.300s can't be made: %s", request->archive,
                              strerror(errno));
    SL_TRY(check_contents(a));
    copier->from = request->ledger;
    copier->to = request->archive;
    copier->has_holes = true;
    copier->problem = a->problem;
    copier->progress = request->progress;
    copier->progress_context = request->progress_context;
    SL_TRY(archive_copier_open(copier, &request->keys->keys[0]));
    SL_TRY(take_lock(a));
    return archive_clear_incoming(copier);
}

/* ---------------------------------------------------------------------------- the manifest -- */

static enum sl_err write_manifest(struct archiving *a)
{
    const struct archive_manifest manifest = {.n_segments = a->n_segments,
                                              .state = a->end,
                                              .note = slice_of(a->copier.note, a->copier.note_n)};
    struct writer writer = writer_over(a->manifest, sizeof a->manifest);
    archive_manifest_write(&manifest, &writer);
    SL_ASSERT(!writer.overflow);
    if (durable_file_replace(a->copier.to_fd, MANIFEST, 0644, writer_slice(&writer)) == SL_OK)
        return SL_OK;
    return archive_refuse(a->problem, SL_ESTORE, "%.300s/" MANIFEST " can't be written: %s",
                          a->request->archive, strerror(errno));
}

static enum sl_err mistrust(struct archiving *a, const char *what)
{
    return archive_refuse(a->problem, SL_EMALFORMED,
                          "the manifest in %.200s %s: it was changed, or is of another archive. "
                          "Remove it, and run this again: the archive is then proven from its "
                          "first receipt on",
                          a->request->archive, what);
}

/* How many segments that begin before receipt `end` have their name. */
static uint64_t count_segments(const struct archiving *a, uint64_t end)
{
    DIR *listing = opendir(a->request->archive);
    uint64_t first, n = 0;
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        n += segment_name_parse(slice_of_str(entry->d_name), &first) && first < end;
    if (listing)
        closedir(listing);
    return n;
}

/* Does the tree lead to the checkpoint, by way of the copy of the segment in use? */
static enum sl_err check_reach(struct archiving *a, const struct archive_manifest *manifest)
{
    struct archive_boundary untouched;
    uint8_t root[SHA256_BYTES];
    a->copier.state = manifest->state;
    a->copier.state.key.name = a->copier.origin;
    a->end = a->copier.state;
    if (manifest->newest.size > manifest->state.tree.size &&
        archive_prove_copied(&a->copier, &untouched) != SL_OK)
        return SL_EMALFORMED;
    tree_root(&a->copier.state.tree, root);
    return a->copier.state.tree.size == manifest->newest.size &&
                   memcmp(root, manifest->newest.root, sizeof root) == 0
               ? SL_OK
               : SL_EMALFORMED;
}

/* What the archive holds must not be taken out of it by an older ledger. */
static void go_on_from(struct archiving *a)
{
    struct archive_evidence *evidence = &a->copier.evidence[0];
    const struct tree *tree = &a->copier.state.tree;
    if (tree->size > a->end.tree.size) {
        evidence->held.size = tree->size;
        tree_root(tree, evidence->held.root);
        evidence->from = a->request->archive;
    }
    a->copier.state = a->end; /* the segment in use is copied again */
}

static enum sl_err take_manifest(struct archiving *a, struct slice text)
{
    struct archive_manifest manifest;
    size_t place;
    if (archive_manifest_parse(text, &manifest) != SL_OK)
        return mistrust(a, "is none");
    struct slice origin = manifest.state.key.name;
    if (!slice_equals(origin, a->copier.origin))
        return archive_refuse(a->problem, SL_EMALFORMED,
                              "%.200s is the archive of the ledger \"%.*s\", and this one is "
                              "\"%.*s\"; name another folder",
                              a->request->archive, SLICE_PRINTF(origin),
                              SLICE_PRINTF(a->copier.origin));
    if (!archive_is_signed(a->request->keys, manifest.note) ||
        !vkey_list_find(a->request->keys, &manifest.state.key, &place))
        return mistrust(a, "is not signed by a key of this ledger");
    if (count_segments(a, manifest.state.tree.size) != manifest.n_segments)
        return mistrust(a, "tells of other segments than there are");
    if (check_reach(a, &manifest) != SL_OK)
        return mistrust(a, "does not fit its segments");
    a->n_segments = manifest.n_segments;
    a->copier.note_n = manifest.note.n;
    memcpy(a->copier.note, manifest.note.p, manifest.note.n);
    go_on_from(a);
    return SL_OK;
}

/* Where the last run has ended. */
static enum sl_err find_end(struct archiving *a)
{
    size_t n = 0;
    enum sl_err err =
        durable_file_read(a->copier.to_fd, MANIFEST, a->manifest, sizeof a->manifest, &n);
    if (err == SL_ELIMIT)
        return mistrust(a, "is too long");
    if (err != SL_OK)
        return archive_refuse(a->problem, err, "%.300s/" MANIFEST " can't be read: %s",
                              a->request->archive, strerror(errno));
    if (n > 0)
        return take_manifest(a, slice_of(a->manifest, n));
    a->end = a->copier.state;
    if (count_segments(a, UINT64_MAX) == 0)
        return SL_OK;
    struct archive_boundary last;
    SL_TRY(archive_prove_copied(&a->copier, &last));
    a->end = last.state;
    a->n_segments = last.n_segments;
    go_on_from(a);
    return SL_OK;
}

/* --------------------------------------------------------------------------------- copying -- */

struct ahead {
    bool has_next;   /* a segment that begins where the archive ends */
    uint64_t newest; /* the first index of the ledger's last segment */
    uint64_t n_bytes;
};

static enum sl_err look_ahead(struct archiving *a, struct ahead *out)
{
    uint64_t begin = a->copier.state.tree.size;
    DIR *listing = opendir(a->request->ledger);
    if (!listing)
        return archive_refuse(a->problem, SL_ESTORE, "%.300s can't be read: %s", a->request->ledger,
                              strerror(errno));
    *out = (struct ahead){0};
    for (struct dirent *entry; (entry = readdir(listing));) {
        uint64_t first;
        struct stat stat;
        if (!segment_name_parse(slice_of_str(entry->d_name), &first))
            continue;
        out->newest = first > out->newest ? first : out->newest;
        out->has_next = out->has_next || first == begin;
        if (first >= begin && fstatat(dirfd(listing), entry->d_name, &stat, 0) == 0)
            out->n_bytes += (uint64_t)stat.st_size;
    }
    closedir(listing);
    return SL_OK;
}

static enum sl_err other_ledger(struct archiving *a)
{
    return archive_refuse(
        a->problem, SL_EMALFORMED,
        "the archive in %.200s holds %llu %s in complete segments, and the ledger %.200s has no "
        "segment that begins there: it is behind, or another one. An old copy must not be gone on "
        "with: see `sluis-audit consistency`",
        a->request->archive, (unsigned long long)a->copier.state.tree.size,
        plural(a->copier.state.tree.size, "receipt", "receipts"), a->request->ledger);
}

static enum sl_err copy_all(struct archiving *a, uint64_t *n_copied)
{
    struct ahead ahead = {0};
    *n_copied = 0;
    for (bool is_last = false; !is_last;) {
        uint64_t n_receipts;
        SL_TRY(look_ahead(a, &ahead));
        if (!ahead.has_next && a->copier.state.tree.size == 0)
            return archive_refuse(a->problem, SL_EMALFORMED, "there is no ledger in %.300s",
                                  a->request->ledger);
        if (!ahead.has_next)
            return other_ledger(a);
        if (a->copier.bytes_total == 0) /* copied once, read back once */
            a->copier.bytes_total = a->copier.bytes_done + 2 * ahead.n_bytes;
        is_last = ahead.newest == a->copier.state.tree.size;
        SL_TRY(archive_copy_segment(&a->copier, is_last, &n_receipts));
        if (!is_last) {
            a->end = a->copier.state;
            a->n_segments++;
            ++*n_copied;
        }
        if (a->copier.note_n > 0)
            SL_TRY(write_manifest(a));
    }
    return SL_OK;
}

enum sl_err archive_run(const struct archive_request *request, struct archive_problem *problem,
                        struct archive_result *out)
{
    struct archiving *a = calloc(1, sizeof *a);
    if (!a)
        return archive_refuse(problem, SL_EINTERNAL, "out of memory");
    a->request = request;
    a->problem = problem;
    a->lock_fd = a->copier.from_fd = a->copier.to_fd = a->copier.incoming_fd = -1;
    uint64_t n_copied = 0;
    enum sl_err err = open_folders(a);
    if (err == SL_OK)
        err = find_end(a);
    if (err == SL_OK)
        err = copy_all(a, &n_copied);
    if (err == SL_OK)
        err = archive_remove_incoming(&a->copier);
    if (err == SL_OK)
        *out = (struct archive_result){a->n_segments, n_copied, a->copier.state.tree.size};
    archive_copier_close(&a->copier);
    if (a->lock_fd >= 0)
        close(a->lock_fd);
    free(a);
    return err;
}
