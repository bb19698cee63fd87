/*
 * heads_file.c - reading a list of heads, believing nothing
 *
 * The root alone would do: a list with that root is the one that was signed for. The rest tells
 * what a gateway that forged its own list did wrong: labels out of order hide an entry from a
 * search, and deltas that do not add up to the receipts leave somebody's out.
 */
#include "ledger/heads_file.h"

#include "base/plural.h"
#include "base/reader.h"
#include "ledger/crc32c.h"
#include "ledger/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES_AT_ONCE = 256 };

static SL_PRINTF(3, 4) enum heads_check
    stop(struct heads_file *file, enum heads_check check, const char *format, ...)
{
    int n = snprintf(file->problem, sizeof file->problem, "the list of heads of epoch %llu ",
                     (unsigned long long)file->epoch);
    va_list args;
    va_start(args, format);
    vsnprintf(file->problem + n, sizeof file->problem - (size_t)n, format, args);
    va_end(args);
    return check;
}

/* `n` bytes at `offset`. */
static enum heads_check read_at(struct heads_file *file, uint8_t *block, size_t n, uint64_t offset)
{
    for (size_t done = 0; done < n;) {
        unsigned long long at = offset + done;
        ssize_t got = pread(file->fd, block + done, n - done, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return stop(file, HEADS_UNREADABLE, "can't be read: %s", strerror(errno));
        if (got == 0)
            return stop(file, HEADS_WRONG, "is cut off at byte %llu", at);
        done += (size_t)got;
    }
    return HEADS_SOUND;
}

/* -------------------------------------------------------------------------------- opening -- */

static enum heads_check check_head(struct heads_file *file, struct slice origin)
{
    struct stat stat;
    if (fstat(file->fd, &stat) != 0)
        return stop(file, HEADS_UNREADABLE, "can't be read: %s", strerror(errno));
    enum heads_check check = read_at(file, file->head_bytes, sizeof file->head_bytes, 0);
    if (check != HEADS_SOUND)
        return check;
    struct heads_head *head = &file->head;
    if (heads_head_parse(slice_of(file->head_bytes, sizeof file->head_bytes), head) != SL_OK)
        return stop(file, HEADS_WRONG, "does not begin as a list of heads does");
    if (head->epoch != file->epoch)
        return stop(file, HEADS_WRONG, "is that of epoch %llu under another name",
                    (unsigned long long)head->epoch);
    if (!slice_equals(head->origin, origin))
        return stop(file, HEADS_WRONG, "is of another ledger, \"%.*s\"",
                    SLICE_PRINTF(head->origin));
    if ((uint64_t)stat.st_size != heads_file_bytes(head->n_entries))
        return stop(file, HEADS_WRONG, "has %llu bytes, and its head says %llu entries",
                    (unsigned long long)stat.st_size, (unsigned long long)head->n_entries);
    return HEADS_SOUND;
}

enum heads_check heads_file_open_fd(struct heads_file *file, int fd, uint64_t epoch,
                                    struct slice origin)
{
    memset(file, 0, sizeof *file);
    file->fd = fd;
    file->epoch = epoch;
    return check_head(file, origin);
}

enum heads_check heads_file_open(struct heads_file *file, int ledger_fd, uint64_t epoch,
                                 struct slice origin)
{
    char name[HEADS_NAME_BYTES + 1], path[sizeof HEADS_FOLDER + sizeof name];
    heads_name(epoch, name);
    snprintf(path, sizeof path, HEADS_FOLDER "/%s", name);
    int fd = openat(ledger_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0)
        return heads_file_open_fd(file, fd, epoch, origin);
    int reason = errno;
    memset(file, 0, sizeof *file);
    file->fd = -1;
    file->epoch = epoch;
    if (reason == ENOENT)
        return stop(file, HEADS_MISSING, "is missing: there is no %s", path);
    return stop(file, HEADS_UNREADABLE, "can't be opened: %s", strerror(reason));
}

void heads_file_close(struct heads_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

/* ------------------------------------------------------------------------------- checking -- */

/* What one reading of all entries tells. */
struct reading {
    uint32_t crc;
    struct tree tree;
    uint64_t sum, n_read;
    uint64_t bad_order, bad_delta; /* the first entry that is wrong, or n_entries */
    bool overflow;
    uint8_t last_label[HEADS_LABEL_BYTES];
};

static void take_entry(struct reading *reading, const uint8_t bytes[HEADS_ENTRY_BYTES],
                       uint64_t n_entries)
{
    struct heads_entry entry;
    heads_entry_read(bytes, &entry);
    bool ascends =
        reading->n_read == 0 || memcmp(reading->last_label, entry.label, sizeof entry.label) < 0;
    if (!ascends && reading->bad_order == n_entries)
        reading->bad_order = reading->n_read;
    if (entry.delta == 0 && reading->bad_delta == n_entries)
        reading->bad_delta = reading->n_read;
    reading->overflow = reading->overflow || entry.delta > UINT64_MAX - reading->sum;
    reading->sum += entry.delta;
    memcpy(reading->last_label, entry.label, sizeof entry.label);
    uint8_t hash[SHA256_BYTES];
    tree_leaf_hash(slice_of(bytes, HEADS_ENTRY_BYTES), hash);
    tree_append(&reading->tree, hash);
    reading->n_read++;
}

static enum heads_check read_entries(struct heads_file *file, struct reading *reading)
{
    uint8_t block[ENTRIES_AT_ONCE * HEADS_ENTRY_BYTES];
    uint64_t n_entries = file->head.n_entries;
    while (reading->n_read < n_entries) {
        uint64_t left = n_entries - reading->n_read;
        size_t n = left < ENTRIES_AT_ONCE ? (size_t)left : ENTRIES_AT_ONCE;
        enum heads_check check = read_at(file, block, n * HEADS_ENTRY_BYTES,
                                         HEADS_HEAD_BYTES + reading->n_read * HEADS_ENTRY_BYTES);
        if (check != HEADS_SOUND)
            return check;
        reading->crc = crc32c_extend(reading->crc, slice_of(block, n * HEADS_ENTRY_BYTES));
        for (size_t i = 0; i < n; i++)
            take_entry(reading, block + i * HEADS_ENTRY_BYTES, n_entries);
    }
    return HEADS_SOUND;
}

static enum heads_check check_crc(struct heads_file *file, const struct reading *reading)
{
    uint8_t bytes[HEADS_CRC_BYTES];
    enum heads_check check = read_at(file, bytes, sizeof bytes,
                                     HEADS_HEAD_BYTES + file->head.n_entries * HEADS_ENTRY_BYTES);
    if (check != HEADS_SOUND)
        return check;
    struct reader reader = reader_over(slice_of(bytes, sizeof bytes));
    if (read_u32(&reader) != reading->crc)
        return stop(file, HEADS_WRONG, "was changed: its CRC is wrong");
    return HEADS_SOUND;
}

/* What is wrong with the entries themselves; empty when nothing is. */
static void find_fault(const struct reading *reading, const struct leaf_heads *heads,
                       uint64_t n_receipts, char *text, size_t cap)
{
    text[0] = '\0';
    if (reading->bad_order < heads->n_entries)
        snprintf(text, cap, "it is not sorted: entry %llu does not come after entry %llu",
                 (unsigned long long)reading->bad_order,
                 (unsigned long long)reading->bad_order - 1);
    else if (reading->bad_delta < heads->n_entries)
        snprintf(text, cap, "entry %llu is of no receipt", (unsigned long long)reading->bad_delta);
    else if (n_receipts != HEADS_RECEIPTS_UNKNOWN &&
             (reading->overflow || reading->sum != n_receipts))
        snprintf(text, cap,
                 "it accounts for %llu %s, and subjects have %llu from receipt %llu up to %llu",
                 (unsigned long long)reading->sum, plural(reading->sum, "receipt", "receipts"),
                 (unsigned long long)n_receipts, (unsigned long long)heads->first,
                 (unsigned long long)heads->end);
}

/* A list with another root may have been changed by anybody; one with the right root is forged by
 * whoever signed it. */
static enum heads_check judge(struct heads_file *file, const struct reading *reading,
                              const struct leaf_heads *heads, uint64_t n_receipts)
{
    char fault[200];
    uint8_t root[SHA256_BYTES];
    find_fault(reading, heads, n_receipts, fault, sizeof fault);
    tree_root(&reading->tree, root);
    if (memcmp(root, heads->root, sizeof root) != 0)
        return stop(file, HEADS_WRONG, "is not the one that the ledger commits to%s%s",
                    fault[0] ? "; " : "", fault);
    if (fault[0])
        return stop(file, HEADS_WRONG, "is what the ledger commits to, but %s", fault);
    return HEADS_SOUND;
}

enum heads_check heads_file_check(struct heads_file *file, const struct leaf_heads *heads,
                                  uint64_t n_receipts)
{
    const struct heads_head *head = &file->head;
    if (head->first != heads->first || head->end != heads->end)
        return stop(file, HEADS_WRONG,
                    "is about the receipts from %llu up to %llu, the ledger's heads about %llu up "
                    "to %llu",
                    (unsigned long long)head->first, (unsigned long long)head->end,
                    (unsigned long long)heads->first, (unsigned long long)heads->end);
    if (head->n_entries != heads->n_entries)
        return stop(file, HEADS_WRONG, "has %llu entries, the ledger's heads say %llu",
                    (unsigned long long)head->n_entries, (unsigned long long)heads->n_entries);
    struct reading reading = {
        .crc = crc32c_of(slice_of(file->head_bytes, sizeof file->head_bytes)),
        .bad_order = head->n_entries,
        .bad_delta = head->n_entries,
    };
    tree_init(&reading.tree);
    enum heads_check check = read_entries(file, &reading);
    if (check == HEADS_SOUND)
        check = check_crc(file, &reading);
    return check == HEADS_SOUND ? judge(file, &reading, heads, n_receipts) : check;
}

/* ------------------------------------------------------------------------------ searching -- */

static enum heads_check read_entry(struct heads_file *file, uint64_t index, struct heads_entry *out)
{
    uint8_t bytes[HEADS_ENTRY_BYTES];
    enum heads_check check =
        read_at(file, bytes, sizeof bytes, HEADS_HEAD_BYTES + index * HEADS_ENTRY_BYTES);
    if (check == HEADS_SOUND)
        heads_entry_read(bytes, out);
    return check;
}

enum heads_check heads_file_find(struct heads_file *file, const uint8_t label[HEADS_LABEL_BYTES],
                                 struct heads_place *out)
{
    uint64_t low = 0, high = file->head.n_entries;
    struct heads_entry entry;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        enum heads_check check = read_entry(file, middle, &entry);
        if (check != HEADS_SOUND)
            return check;
        int order = memcmp(entry.label, label, sizeof entry.label);
        if (order == 0) {
            *out = (struct heads_place){true, entry.delta, middle};
            return HEADS_SOUND;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out = (struct heads_place){false, 0, low};
    return HEADS_SOUND;
}
