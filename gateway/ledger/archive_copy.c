/*
 * archive_copy.c - copy, sync, read back, prove, name
 *
 *     from/N.seg ──bytes──▶ to/incoming/N.seg ──fsync, walk──▶ to/N.seg
 *                                               every batch
 *
 * The bytes are copied without a look at them, and the proof is made of the copy: what the disk
 * gives back after the cache was told to drop it. So a bad disk on either side, and a source that
 * was changed, show in one and the same way.
 *
 * A copy that was cut short is made again from its begin: its pages may or may not be on the disk,
 * and proving them costs as much as writing them.
 */
#include "ledger/archive_copy.h"

#include "base/plural.h"

#include "ledger/heads_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20 };

#define INCOMING "incoming"

enum sl_err archive_refuse(struct archive_problem *problem, enum sl_err err, const char *format,
                           ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return err;
}

bool archive_is_signed(const struct vkey_list *keys, struct slice note)
{
    struct note_verifier *verifier = NULL;
    struct slice text;
    size_t n_signatures;
    bool holds = false;
    for (size_t i = 0; i < keys->n && !holds; i++) {
        char vkey[NOTE_VKEY_BYTES_MAX];
        struct writer writer = writer_over(vkey, sizeof vkey);
        write_vkey(&writer, keys->keys[i].name, keys->keys[i].key);
        holds = note_verifier_new(writer_slice(&writer), &verifier) == SL_OK &&
                note_verify(verifier, note, &text, &n_signatures) == NOTE_VALID;
        note_verifier_free(verifier);
        verifier = NULL;
    }
    return holds;
}

/* A file of `folder` failed, with errno. */
static enum sl_err failed(struct archive_copier *copier, const char *folder, const char *name,
                          const char *doing)
{
    int reason = errno;
    return archive_refuse(copier->problem, SL_ESTORE, "%.300s/%s can't be %s: %s%s", folder, name,
                          doing, strerror(reason),
                          reason == ENOSPC || reason == EDQUOT
                              ? "; make room, and run it again: it goes on where it stopped"
                              : "");
}

/* ------------------------------------------------------------------------- opening, closing -- */

static int open_folder(int at_fd, const char *path)
{
    return openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A folder below `to`, made when it is not there. -1 with errno on failure. */
static int open_below(struct archive_copier *copier, const char *name)
{
    if (mkdirat(copier->to_fd, name, 0700) != 0 && errno != EEXIST)
        return -1;
    return open_folder(copier->to_fd, name);
}

enum sl_err archive_copier_open(struct archive_copier *copier, const struct vkey *first_key)
{
    copier->from_fd = copier->to_fd = copier->incoming_fd = -1;
    copier->state = (struct archive_state){.newest_time_ms = INT64_MIN, .key = *first_key};
    tree_init(&copier->state.tree);
    copier->origin = first_key->name;
    copier->block = malloc(BLOCK_BYTES);
    if (!copier->block)
        return archive_refuse(copier->problem, SL_EINTERNAL, "out of memory");
    copier->from_fd = open_folder(AT_FDCWD, copier->from);
    if (copier->from_fd < 0)
        return failed(copier, copier->from, "", "opened");
    copier->to_fd = open_folder(AT_FDCWD, copier->to);
    if (copier->to_fd < 0)
        return failed(copier, copier->to, "", "opened");
    copier->incoming_fd = open_below(copier, INCOMING);
    return copier->incoming_fd < 0 ? failed(copier, copier->to, INCOMING, "made") : SL_OK;
}

void archive_copier_close(struct archive_copier *copier)
{
    const int fds[] = {copier->from_fd, copier->to_fd, copier->incoming_fd};
    for (size_t i = 0; i < SL_LENGTH(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(copier->block);
}

/* ----------------------------------------------------------------------------------- bytes -- */

static void show_progress(struct archive_copier *copier, uint64_t n_bytes)
{
    copier->bytes_done += n_bytes;
    if (copier->progress)
        copier->progress(copier->progress_context, copier->bytes_done,
                         copier->bytes_done > copier->bytes_total ? copier->bytes_done
                                                                  : copier->bytes_total);
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    return n > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

static bool write_at(int fd, const uint8_t *bytes, size_t n, off_t offset)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(fd, bytes + done, n - done, offset + (off_t)done);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            done += (size_t)put;
    }
    return true;
}

/* All that `in` has; *doing says which side failed. */
static bool copy_bytes(struct archive_copier *copier, int in, int out, const char **doing)
{
    off_t offset = 0;
    for (;;) {
        *doing = "read";
        ssize_t got = pread(in, copier->block, BLOCK_BYTES, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        *doing = "written";
        if (got == 0)
            return ftruncate(out, offset) == 0; /* what ends in a hole */
        if (!(copier->has_holes && is_zero(copier->block, (size_t)got)) &&
            !write_at(out, copier->block, (size_t)got, offset))
            return false;
        offset += got;
        show_progress(copier, (uint64_t)got);
    }
}

/* On the disk, and out of the cache, so that it is the disk that is read back. */
static bool settle(int fd)
{
    if (fsync(fd) != 0)
        return false;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* a hint */
    return true;
}

/* from/path to incoming/name. The lists of heads are in a folder of their own. */
static enum sl_err copy_file(struct archive_copier *copier, const char *path, const char *name)
{
    const char *doing = "opened";
    int in = openat(copier->from_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (in < 0)
        return failed(copier, copier->from, path, doing);
    doing = "made";
    int out = -1;
    if (unlinkat(copier->incoming_fd, name, 0) == 0 || errno == ENOENT)
        out = openat(copier->incoming_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool copied = out >= 0 && copy_bytes(copier, in, out, &doing) && settle(out);
    int reason = errno;
    if (out >= 0)
        close(out);
    close(in);
    errno = reason;
    if (copied)
        return SL_OK;
    return strcmp(doing, "read") == 0 ? failed(copier, copier->from, path, doing)
                                      : failed(copier, copier->to, path, doing);
}

/* incoming/name gets its own name, in the folder `fd`. */
static enum sl_err give_name(struct archive_copier *copier, int fd, const char *name)
{
    if (renameat(copier->incoming_fd, name, fd, name) != 0 || fsync(fd) != 0)
        return failed(copier, copier->to, name, "named");
    return SL_OK;
}

/* ----------------------------------------------------------------------------------- heads -- */

static enum sl_err check_list(struct archive_copier *copier, int fd, const struct leaf_heads *leaf,
                              bool *is_sound)
{
    struct heads_file file;
    enum heads_check check = heads_file_open_fd(&file, fd, leaf->epoch, copier->origin);
    if (check == HEADS_SOUND)
        check = heads_file_check(&file, leaf, HEADS_RECEIPTS_UNKNOWN);
    heads_file_close(&file);
    *is_sound = check == HEADS_SOUND;
    if (check == HEADS_UNREADABLE)
        return archive_refuse(copier->problem, SL_ESTORE, "%.300s: %s", copier->to, file.problem);
    if (check != HEADS_SOUND && copier->is_at_rest)
        (void)archive_refuse(copier->problem, SL_EMALFORMED,
                             "in the archive %.200s, %s; use another copy of the archive",
                             copier->from, file.problem);
    else if (check != HEADS_SOUND)
        (void)archive_refuse(copier->problem, SL_EMALFORMED, "the copy in %.200s: %s", copier->to,
                             file.problem);
    return SL_OK;
}

/* Is it there already? What is there and wrong is copied again. */
static enum sl_err find_list(struct archive_copier *copier, int heads_fd, const char *name,
                             const struct leaf_heads *leaf, bool *is_sound)
{
    int fd = openat(heads_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    *is_sound = false;
    if (fd < 0)
        return errno == ENOENT ? SL_OK : failed(copier, copier->to, name, "opened");
    return check_list(copier, fd, leaf, is_sound);
}

static enum sl_err copy_list(struct archive_copier *copier, int heads_fd,
                             const struct leaf_heads *leaf)
{
    char name[HEADS_NAME_BYTES + 1], path[sizeof HEADS_FOLDER + HEADS_NAME_BYTES + 1];
    bool is_sound;
    heads_name(leaf->epoch, name);
    snprintf(path, sizeof path, HEADS_FOLDER "/%s", name);
    SL_TRY(find_list(copier, heads_fd, name, leaf, &is_sound));
    if (is_sound)
        return SL_OK;
    SL_TRY(copy_file(copier, path, name));
    int fd = openat(copier->incoming_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failed(copier, copier->to, name, "read back");
    SL_TRY(check_list(copier, fd, leaf, &is_sound));
    return is_sound ? give_name(copier, heads_fd, name) : SL_EMALFORMED;
}

/* The batch's heads, if it has any: their list belongs to the ledger. */
static enum sl_err take_heads(struct archive_copier *copier, const struct walk *walk)
{
    if (walk->heads.n == 0)
        return SL_OK;
    int heads_fd = open_below(copier, HEADS_FOLDER);
    if (heads_fd < 0)
        return failed(copier, copier->to, HEADS_FOLDER, "made");
    enum sl_err err = copy_list(copier, heads_fd, &walk->heads.leaf);
    close(heads_fd);
    return err;
}

/* --------------------------------------------------------------------------------- proving -- */

/* What is known of the ledger from elsewhere must be found at its place. */
static enum sl_err meet_evidence(struct archive_copier *copier, const struct walk *walk,
                                 uint64_t size_before)
{
    uint8_t root[SHA256_BYTES];
    for (size_t i = 0; i < ARCHIVE_EVIDENCE_MAX; i++) {
        struct archive_evidence *evidence = &copier->evidence[i];
        if (evidence->held.size <= size_before || evidence->held.size > walk->tree.size)
            continue;
        tree_root(&walk->tree, root);
        if (evidence->held.size != walk->tree.size ||
            memcmp(root, evidence->held.root, sizeof root) != 0)
            return archive_refuse(copier->problem, SL_EMALFORMED,
                                  "%.200s is a copy of another ledger than %.200s knows: its first "
                                  "%llu %s not what was signed. Keep both as evidence",
                                  copier->from, evidence->from,
                                  (unsigned long long)evidence->held.size,
                                  plural(evidence->held.size, "receipt is", "receipts are"));
        evidence->held.size = 0;
    }
    return SL_OK;
}

/* At the end nothing may be left that was to be found. */
enum sl_err archive_check_evidence(struct archive_copier *copier)
{
    for (size_t i = 0; i < ARCHIVE_EVIDENCE_MAX; i++) {
        const struct archive_evidence *evidence = &copier->evidence[i];
        if (evidence->held.size > 0)
            return archive_refuse(copier->problem, SL_EMALFORMED,
                                  "%.200s ends after %llu %s, and %.200s knows of %llu: it was cut "
                                  "off, or is an older copy. Use the newest one",
                                  copier->from, (unsigned long long)copier->state.tree.size,
                                  plural(copier->state.tree.size, "receipt", "receipts"),
                                  evidence->from, (unsigned long long)evidence->held.size);
    }
    return SL_OK;
}

static void note_state(struct archive_copier *copier, const struct walk *walk)
{
    struct archive_state *state = &copier->state;
    state->tree = walk->tree;
    state->newest_time_ms = walk->newest_time_ms;
    note_verifier_vkey(walk->verifier, &state->key);
    state->key.name = copier->origin;
}

static enum sl_err damaged(struct archive_copier *copier, const struct walk *walk)
{
    const struct walk_problem *found = &walk->problem;
    if (copier->is_at_rest)
        return archive_refuse(copier->problem, SL_EMALFORMED,
                              "%s in the archive %.200s is damaged at byte %llu: %.200s. The first "
                              "%llu %s; use another copy of the archive",
                              found->segment, copier->from, (unsigned long long)found->offset,
                              found->text, (unsigned long long)walk->tree.size,
                              plural(walk->tree.size, "receipt holds", "receipts hold"));
    return archive_refuse(copier->problem, SL_EMALFORMED,
                          "the copy of %s in %.200s does not hold, at byte %llu: %s. See whether "
                          "%.200s itself holds, with `sluis-audit verify`; what was copied before "
                          "stays",
                          found->segment, copier->to, (unsigned long long)found->offset,
                          found->text, copier->from);
}

/* `last` may be NULL. */
static enum sl_err walk_batches(struct archive_copier *copier, struct walk *walk,
                                struct archive_boundary *last, enum walk_step *step)
{
    struct batch batch;
    uint64_t segment_first = walk->segment_first;
    uint64_t n_bytes = 0;
    for (;;) {
        uint64_t size_before = walk->tree.size;
        *step = walk_next(walk, &batch);
        show_progress(copier, walk->n_bytes_done - n_bytes);
        n_bytes = walk->n_bytes_done;
        if (last && walk->segment_first != segment_first) /* the state is that before this batch */
            *last = (struct archive_boundary){copier->state, last->n_segments + 1};
        segment_first = walk->segment_first;
        if (*step != WALK_BATCH)
            return SL_OK;
        SL_TRY(meet_evidence(copier, walk, size_before));
        SL_TRY(take_heads(copier, walk));
        copier->note_n = batch.checkpoint.n;
        memcpy(copier->note, batch.checkpoint.p, batch.checkpoint.n);
        note_state(copier, walk);
    }
}

/* Walks `folder` from the state on. The walk stays open. */
static enum sl_err prove(struct archive_copier *copier, const char *folder, struct walk *walk,
                         struct note_verifier **verifier, struct archive_boundary *last,
                         enum walk_step *step)
{
    const struct archive_state *state = &copier->state;
    const struct walk_start start = {.tree = state->tree,
                                     .newest_time_ms = state->newest_time_ms,
                                     .segment_first = state->tree.size};
    char vkey[NOTE_VKEY_BYTES_MAX];
    struct writer writer = writer_over(vkey, sizeof vkey);
    write_vkey(&writer, state->key.name, state->key.key);
    if (note_verifier_new(writer_slice(&writer), verifier) != SL_OK)
        return archive_refuse(copier->problem, SL_EINTERNAL, "out of memory");
    enum sl_err err = walk_open(walk, folder, *verifier, &start);
    if (err != SL_OK)
        return archive_refuse(copier->problem, err, "%s", walk->problem.text);
    return walk_batches(copier, walk, last, step);
}

/* ------------------------------------------------------------------------------- a segment -- */

/* After the last whole batch there is nothing: what the source had there may be half a batch. */
static enum sl_err trim(struct archive_copier *copier, const char *name, uint64_t offset,
                        uint64_t segment_bytes)
{
    int fd = openat(copier->incoming_fd, name, O_RDWR | O_CLOEXEC);
    bool done = fd >= 0 && ftruncate(fd, (off_t)offset) == 0 &&
                ftruncate(fd, (off_t)segment_bytes) == 0 && fsync(fd) == 0;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return done ? SL_OK : failed(copier, copier->to, name, "written");
}

static enum sl_err finish(struct archive_copier *copier, const struct walk *walk,
                          enum walk_step step, bool is_last, const char *name)
{
    if (step == WALK_UNREADABLE)
        return archive_refuse(copier->problem, SL_ESTORE, "%.300s/%s: %s", copier->to, name,
                              walk->problem.text);
    bool may_be_torn = is_last && !copier->is_at_rest;
    if (step != WALK_END && !(may_be_torn && step == WALK_TORN))
        return damaged(copier, walk);
    if (may_be_torn)
        SL_TRY(archive_check_evidence(copier));
    if (walk->n_batches == 0)
        return SL_OK; /* it was begun, and nothing is in it yet */
    if (step == WALK_TORN)
        SL_TRY(trim(copier, name, walk->offset, walk->segment_bytes));
    return give_name(copier, copier->to_fd, name);
}

enum sl_err archive_copy_segment(struct archive_copier *copier, bool is_last, uint64_t *n_receipts)
{
    char name[SEGMENT_NAME_BYTES + 1], incoming[ARCHIVE_PATH_BYTES];
    uint64_t first = copier->state.tree.size;
    SL_AUTO(note_verifier) verifier = NULL;
    struct walk walk = {.folder_fd = -1, .segment_fd = -1};
    enum walk_step step = WALK_END;
    segment_name(first, name);
    if (snprintf(incoming, sizeof incoming, "%s/" INCOMING, copier->to) >= (int)sizeof incoming)
        return archive_refuse(copier->problem, SL_EMALFORMED, "the path %.300s is too long",
                              copier->to);
    SL_TRY(copy_file(copier, name, name));
    enum sl_err err = prove(copier, incoming, &walk, &verifier, NULL, &step);
    if (err == SL_OK)
        err = finish(copier, &walk, step, is_last, name);
    *n_receipts = copier->state.tree.size - first;
    walk_close(&walk);
    return err;
}

enum sl_err archive_prove_copied(struct archive_copier *copier, struct archive_boundary *last)
{
    SL_AUTO(note_verifier) verifier = NULL;
    struct walk walk = {.folder_fd = -1, .segment_fd = -1};
    enum walk_step step = WALK_END;
    *last = (struct archive_boundary){copier->state, 0};
    enum sl_err err = prove(copier, copier->to, &walk, &verifier, last, &step);
    if (err == SL_OK && step == WALK_UNREADABLE)
        err = archive_refuse(copier->problem, SL_ESTORE, "%.300s/%s: %s", copier->to,
                             walk.problem.segment, walk.problem.text);
    else if (err == SL_OK && step != WALK_END)
        err = damaged(copier, &walk);
    walk_close(&walk);
    return err;
}

/* Files only: nobody puts a folder there. */
static bool unlink_all(int folder_fd)
{
    int fd = open_folder(folder_fd, ".");
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    if (!listing) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool done = true;
    for (struct dirent *entry; done && (entry = readdir(listing));)
        done = entry->d_name[0] == '.' || unlinkat(folder_fd, entry->d_name, 0) == 0;
    closedir(listing);
    return done;
}

enum sl_err archive_clear_incoming(struct archive_copier *copier)
{
    return unlink_all(copier->incoming_fd) ? SL_OK
                                           : failed(copier, copier->to, INCOMING, "cleared");
}

enum sl_err archive_remove_incoming(struct archive_copier *copier)
{
    SL_TRY(archive_clear_incoming(copier));
    if (unlinkat(copier->to_fd, INCOMING, AT_REMOVEDIR) == 0)
        return SL_OK;
    return failed(copier, copier->to, INCOMING, "removed");
}

void archive_discard(struct archive_copier *copier)
{
    int heads_fd = copier->to_fd >= 0 ? open_folder(copier->to_fd, HEADS_FOLDER) : -1;
    if (heads_fd >= 0) {
        (void)unlink_all(heads_fd);
        close(heads_fd);
        (void)unlinkat(copier->to_fd, HEADS_FOLDER, AT_REMOVEDIR);
    }
    if (copier->incoming_fd >= 0 && unlink_all(copier->incoming_fd))
        (void)unlinkat(copier->to_fd, INCOMING, AT_REMOVEDIR);
    (void)rmdir(copier->to);
}
