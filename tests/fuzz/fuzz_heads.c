/*
 * fuzz_heads.c - lists of heads, and the file in which a subject gets its key
 *
 * The head's checksum is made right first, or nothing would get past it. What is accepted can be
 * written again from what was read, byte for byte. A list that is sound under some heads is sorted,
 * adds up, and finds each of its own labels.
 */
#include "ledger/heads_file.h"

#include "ledger/crc32c.h"
#include "ledger/subject_key.h"
#include "ledger/tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void put_crc(uint8_t *at, struct slice of)
{
    struct writer writer = writer_over(at, HEADS_CRC_BYTES);
    write_u32(&writer, crc32c_of(of));
}

/* The heads that commit to exactly these entries. */
static struct leaf_heads heads_over(const struct heads_head *head, const uint8_t *entries,
                                    uint64_t *sum)
{
    struct leaf_heads heads = {
        .epoch = head->epoch, .first = head->first, .end = head->end, .n_entries = head->n_entries};
    struct tree tree;
    tree_init(&tree);
    *sum = 0;
    for (uint64_t i = 0; i < head->n_entries; i++) {
        struct heads_entry entry;
        uint8_t hash[SHA256_BYTES];
        heads_entry_read(entries + i * HEADS_ENTRY_BYTES, &entry);
        *sum += entry.delta;
        tree_leaf_hash(slice_of(entries + i * HEADS_ENTRY_BYTES, HEADS_ENTRY_BYTES), hash);
        tree_append(&tree, hash);
    }
    tree_root(&tree, heads.root);
    return heads;
}

static void find_all(struct heads_file *file, const uint8_t *entries)
{
    for (uint64_t i = 0; i < file->head.n_entries; i++) {
        struct heads_entry entry;
        struct heads_place place;
        heads_entry_read(entries + i * HEADS_ENTRY_BYTES, &entry);
        require(heads_file_find(file, entry.label, &place) == HEADS_SOUND);
        require(place.found && place.n_before == i && place.delta == entry.delta);
        entry.label[31] ^= 1;
        require(heads_file_find(file, entry.label, &place) == HEADS_SOUND);
        require(place.n_before <= file->head.n_entries);
    }
}

static void try_file(uint8_t *bytes, size_t n, const struct heads_head *head)
{
    struct heads_file file;
    int fd = memfd_create("heads", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    enum heads_check check = heads_file_open_fd(&file, fd, head->epoch, head->origin);
    if (check == HEADS_SOUND) {
        uint64_t sum;
        struct leaf_heads heads = heads_over(head, bytes + HEADS_HEAD_BYTES, &sum);
        check = heads_file_check(&file, &heads, sum);
        require(check == HEADS_SOUND || file.problem[0]);
        if (check == HEADS_SOUND)
            find_all(&file, bytes + HEADS_HEAD_BYTES);
        heads.root[0] ^= 1;
        require(heads_file_check(&file, &heads, sum) == HEADS_WRONG);
    }
    heads_file_close(&file);
}

static void try_list(struct slice data)
{
    if (data.n < HEADS_HEAD_BYTES + HEADS_CRC_BYTES)
        return;
    struct heads_head head;
    uint8_t again[HEADS_HEAD_BYTES], *bytes = malloc(data.n);
    require(bytes != NULL);
    memcpy(bytes, data.p, data.n);
    put_crc(bytes + HEADS_HEAD_BYTES - HEADS_CRC_BYTES,
            slice_of(bytes, HEADS_HEAD_BYTES - HEADS_CRC_BYTES));
    put_crc(bytes + data.n - HEADS_CRC_BYTES, slice_of(bytes, data.n - HEADS_CRC_BYTES));
    if (heads_head_parse(slice_of(bytes, HEADS_HEAD_BYTES), &head) == SL_OK) {
        heads_head_write(&head, again);
        require(memcmp(again, bytes, sizeof again) == 0);
        try_file(bytes, data.n, &head);
    }
    free(bytes);
}

static void try_key(struct slice data)
{
    struct subject_key key;
    uint8_t again[SUBJECT_KEY_FILE_BYTES_MAX];
    struct writer writer = writer_over(again, sizeof again);
    if (subject_key_parse(data, &key) != SL_OK)
        return;
    subject_key_write(&key, &writer);
    require(slice_equals(writer_slice(&writer), data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    uint64_t epoch;
    char name[HEADS_NAME_BYTES + 1];
    try_list(bytes);
    try_key(bytes);
    if (heads_name_parse(bytes, &epoch)) {
        heads_name(epoch, name);
        require(slice_equals_str(bytes, name));
    }
    return 0;
}
