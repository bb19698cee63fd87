/*
 * memory.c - one file for each log, replaced whole and synced before anybody is told
 *
 * A record is a cosigned checkpoint like any other, so it proves itself: it must hold under the
 * witness's own key when it is read back. What was damaged, or comes from another witness, is
 * found before the first request, and somebody has to look at it: a witness that starts anew has
 * lost the one thing it is for.
 */
#include "witness/memory.h"

#include "base/durable_file.h"
#include "ledger/checkpoint.h"
#include "ledger/cosignature.h"
#include "ledger/note_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char lock_name[] = "lock";
static const char vkey_name[] = "vkey";
enum { FILE_NAME_BYTES = KNOWN_LOG_HASH_CHARS + 16 };

struct memory {
    int folder_fd, lock_fd;
    uint64_t newest_time_s;
};

static SL_PRINTF(3, 4) enum sl_err
    refuse(struct memory_problem *problem, enum sl_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return err;
}

/* --------------------------------------------------------------------------------- opening -- */

static enum sl_err open_folder(struct memory *memory, const char *folder,
                               struct memory_problem *problem)
{
    memory->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (memory->folder_fd < 0)
        return refuse(problem, SL_ESTORE,
                      "the state folder %s can't be opened: %s; a new witness needs an empty one "
                      "(mkdir), and one that ran before needs the one it had",
                      folder, strerror(errno));
    memory->lock_fd =
        openat(memory->folder_fd, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (memory->lock_fd < 0)
        return refuse(problem, SL_ESTORE, "the state folder %s can't be written: %s", folder,
                      strerror(errno));
    if (flock(memory->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return SL_OK;
    problem->is_locked = errno == EWOULDBLOCK;
    return refuse(problem, SL_ESTORE, "the state folder %s can't be locked: %s", folder,
                  problem->is_locked ? "another witness runs on it" : strerror(errno));
}

static enum sl_err check_owner(struct memory *memory, const char *folder, const char *vkey,
                               struct memory_problem *problem)
{
    char kept[NOTE_VKEY_BYTES_MAX + 1], line[NOTE_VKEY_BYTES_MAX + 1];
    size_t n = 0;
    struct writer writer = writer_over(line, sizeof line);
    write_str(&writer, vkey);
    write_str(&writer, "\n");
    if (durable_file_read(memory->folder_fd, vkey_name, kept, sizeof kept, &n) != SL_OK)
        return refuse(problem, SL_ESTORE, "%s/%s can't be read: %s", folder, vkey_name,
                      strerror(errno));
    if (n > 0 && !slice_equals(slice_of(kept, n), writer_slice(&writer)))
        return refuse(problem, SL_ESTORE,
                      "the state folder %s is another witness's (see %s in it); give each key a "
                      "folder of its own",
                      folder, vkey_name);
    if (n == 0 &&
        durable_file_replace(memory->folder_fd, vkey_name, 0644, writer_slice(&writer)) != SL_OK)
        return refuse(problem, SL_ESTORE, "the state folder %s can't be written: %s", folder,
                      strerror(errno));
    return SL_OK;
}

/* --------------------------------------------------------------------------------- records -- */

static void file_name_of(const struct known_log *log, const char *suffix,
                         char name[FILE_NAME_BYTES])
{
    int n = snprintf(name, FILE_NAME_BYTES, "%s.%s", log->hash, suffix);
    SL_ASSERT(n > 0 && n < FILE_NAME_BYTES);
}

/* The record in `note`: of this log, and cosigned under `vkey`. */
static bool record_parse(const struct known_log *log, const struct vkey *vkey, struct slice note,
                         struct record *out)
{
    struct note_lines lines;
    struct note_line line;
    struct checkpoint checkpoint;
    bool is_cosigned = false;
    if (!note_lines_open(note, &lines) ||
        checkpoint_parse_extended(lines.text, &checkpoint) != SL_OK ||
        !slice_equals(checkpoint.origin, log->origin))
        return false;
    enum note_line_step step;
    while ((step = note_lines_next(&lines, &line)) == NOTE_LINE) {
        if (!slice_equals(line.name, vkey->name) ||
            memcmp(line.key_id, vkey->id, NOTE_KEY_ID_BYTES) != 0)
            continue;
        if (!cosignature_verify(vkey, lines.text, slice_of(line.signature, line.signature_n),
                                &out->time_s))
            return false;
        is_cosigned = true;
    }
    out->size = checkpoint.size;
    memcpy(out->root, checkpoint.root, sizeof out->root);
    return is_cosigned && step == NOTE_LINES_END;
}

static enum sl_err load(struct memory *memory, struct known_log *log, const struct vkey *vkey,
                        uint8_t *block, struct memory_problem *problem)
{
    char name[FILE_NAME_BYTES];
    size_t n = 0;
    file_name_of(log, "checkpoint", name);
    enum sl_err err = durable_file_read(memory->folder_fd, name, block, NOTE_BYTES_MAX, &n);
    if (err == SL_ESTORE)
        return refuse(problem, SL_ESTORE, "%s in the state folder can't be read: %s", name,
                      strerror(errno));
    if (err == SL_OK && n == 0)
        return SL_OK;
    struct record record = {0};
    if (err != SL_OK || !record_parse(log, vkey, slice_of(block, n), &record))
        return refuse(problem, SL_EMALFORMED,
                      "%s in the state folder is not what this witness cosigned for %.*s: it was "
                      "changed or damaged. Get it from a copy; a witness that forgets it must get "
                      "a new key",
                      name, SLICE_PRINTF(log->origin));
    record.note = malloc(n);
    if (!record.note)
        return refuse(problem, SL_EINTERNAL, "out of memory");
    memcpy(record.note, block, n);
    record.note_n = n;
    log->record = record;
    if (record.time_s > memory->newest_time_s)
        memory->newest_time_s = record.time_s;
    return SL_OK;
}

static enum sl_err load_all(struct memory *memory, struct known_logs *logs, const char *vkey_text,
                            struct memory_problem *problem)
{
    struct vkey vkey;
    SL_TRY(vkey_parse(slice_of_str(vkey_text), &vkey));
    uint8_t *block = malloc(NOTE_BYTES_MAX);
    if (!block)
        return refuse(problem, SL_EINTERNAL, "out of memory");
    enum sl_err err = SL_OK;
    for (size_t i = 0; i < logs->n && err == SL_OK; i++)
        err = load(memory, &logs->list[i], &vkey, block, problem);
    free(block);
    return err;
}

enum sl_err memory_open(const char *folder, const char *vkey, struct known_logs *logs,
                        struct memory_problem *problem, struct memory **out)
{
    problem->is_locked = false;
    SL_AUTO(memory) memory = calloc(1, sizeof *memory);
    if (!memory)
        return refuse(problem, SL_EINTERNAL, "out of memory");
    memory->folder_fd = memory->lock_fd = -1;
    SL_TRY(open_folder(memory, folder, problem));
    SL_TRY(check_owner(memory, folder, vkey, problem));
    SL_TRY(load_all(memory, logs, vkey, problem));
    *out = memory;
    memory = NULL;
    return SL_OK;
}

void memory_free(struct memory *memory)
{
    if (!memory)
        return;
    if (memory->lock_fd >= 0)
        close(memory->lock_fd);
    if (memory->folder_fd >= 0)
        close(memory->folder_fd);
    free(memory);
}

uint64_t memory_newest_time_s(const struct memory *memory)
{
    return memory->newest_time_s;
}

enum sl_err memory_store(struct memory *memory, struct known_log *log, const struct record *record)
{
    char name[FILE_NAME_BYTES];
    file_name_of(log, "checkpoint", name);
    SL_TRY(durable_file_replace(memory->folder_fd, name, 0644,
                                slice_of(record->note, record->note_n)));
    free(log->record.note);
    log->record = *record;
    if (record->time_s > memory->newest_time_s)
        memory->newest_time_s = record->time_s;
    return SL_OK;
}

enum sl_err memory_keep_refused(struct memory *memory, const struct known_log *log,
                                struct slice body)
{
    char name[FILE_NAME_BYTES];
    file_name_of(log, "refused", name);
    return durable_file_replace(memory->folder_fd, name, 0644, body);
}
