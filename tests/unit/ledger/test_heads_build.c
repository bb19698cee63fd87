/*
 * test_heads_build.c - lists of heads, as they are written and as they are checked
 *
 * Sixteen entries fit into memory here, so that a few hundred take many passes.
 */
#define HEADS_SORT_ENTRIES 16
#include "ledger/heads_build.c" /* NOLINT(bugprone-suspicious-include) */

#include "ledger/heads_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cmocka.h>

#define ORIGIN "ledger.example/test"

/* A folder, and in it one list of epoch 7 over the receipts [100, 100 + N). */
struct list {
    char root[64], path[160];
    int ledger_fd, heads_fd;
    struct leaf_heads heads;
    uint64_t n_receipts;
};

static void open_folder(struct list *list)
{
    memset(list, 0, sizeof *list);
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(list->root, sizeof list->root, "%s/sluis-heads-XXXXXX", base);
    assert_non_null(mkdtemp(list->root));
    list->ledger_fd = open(list->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(list->ledger_fd >= 0);
    assert_int_equal(mkdirat(list->ledger_fd, HEADS_FOLDER, 0700), 0);
    list->heads_fd = openat(list->ledger_fd, HEADS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(list->heads_fd >= 0);
    snprintf(list->path, sizeof list->path, "%s/heads/00000000000000000007.heads", list->root);
}

static void close_folder(struct list *list)
{
    (void)unlink(list->path);
    assert_int_equal(unlinkat(list->ledger_fd, HEADS_FOLDER, AT_REMOVEDIR), 0);
    close(list->heads_fd);
    close(list->ledger_fd);
    assert_int_equal(rmdir(list->root), 0);
}

/* Labels that are spread as those of HMAC are: SHA-256 of a number. */
static struct heads_entry entry_of(uint32_t number, uint64_t delta)
{
    struct heads_entry entry = {.delta = delta};
    sha256_of(slice_of(&number, sizeof number), entry.label);
    return entry;
}

static void finish(struct list *list, struct heads_build *build)
{
    struct heads_head head = {.epoch = 7, .first = 100, .origin = slice_of_str(ORIGIN)};
    list->n_receipts = heads_build_sum(build);
    head.end = head.first + list->n_receipts + 1; /* one is the node's */
    list->heads = (struct leaf_heads){.epoch = 7,
                                      .first = head.first,
                                      .end = head.end,
                                      .n_entries = heads_build_n_entries(build)};
    assert_int_equal(heads_build_finish(build, &head, list->heads.root), SL_OK);
    assert_int_equal(head.n_entries, list->heads.n_entries);
    heads_build_free(build);
}

static void build_list(struct list *list, uint32_t n)
{
    struct heads_build *build = NULL;
    open_folder(list);
    assert_int_equal(heads_build_new(list->heads_fd, &build), SL_OK);
    for (uint32_t i = 0; i < n; i++) {
        struct heads_entry entry = entry_of(i, 1 + i % 5);
        assert_int_equal(heads_build_add(build, &entry), SL_OK);
    }
    finish(list, build);
}

/* The outcome of opening and checking. */
static enum heads_check check(const struct list *list, struct heads_file *file)
{
    enum heads_check found = heads_file_open(file, list->ledger_fd, 7, slice_of_str(ORIGIN));
    if (found == HEADS_SOUND)
        found = heads_file_check(file, &list->heads, list->n_receipts);
    return found;
}

static void assert_wrong(const struct list *list, const char *expected)
{
    struct heads_file file;
    enum heads_check found = check(list, &file);
    heads_file_close(&file);
    if (found != HEADS_WRONG || !strstr(file.problem, expected))
        fail_msg("outcome %d: %s", found, file.problem);
    assert_non_null(strstr(file.problem, "epoch 7"));
}

static void a_list_of_any_length_is_sound_and_finds_each_of_its_labels(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {1, 2, 15, 16, 17, 32, 33, 255, 256, 257, 1000};
    for (size_t l = 0; l < SL_LENGTH(lengths); l++) {
        struct list list;
        struct heads_file file;
        build_list(&list, lengths[l]);
        if (check(&list, &file) != HEADS_SOUND)
            fail_msg("%u entries: %s", lengths[l], file.problem);
        bool seen[1000] = {false};
        for (uint32_t i = 0; i < lengths[l]; i++) {
            struct heads_entry entry = entry_of(i, 1 + i % 5);
            struct heads_place place;
            assert_int_equal(heads_file_find(&file, entry.label, &place), HEADS_SOUND);
            assert_true(place.found && place.delta == entry.delta);
            assert_true(place.n_before < lengths[l] && !seen[place.n_before]);
            seen[place.n_before] = true;
        }
        heads_file_close(&file);
        close_folder(&list);
    }
}

static void a_label_that_is_not_there_stands_between_two_others(void **state)
{
    (void)state;
    struct list list;
    struct heads_file file;
    struct heads_place place;
    build_list(&list, 100);
    assert_int_equal(check(&list, &file), HEADS_SOUND);
    for (uint32_t i = 100; i < 200; i++) {
        struct heads_entry other = entry_of(i, 1);
        uint64_t n_smaller = 0;
        for (uint32_t j = 0; j < 100; j++)
            n_smaller += memcmp(entry_of(j, 1).label, other.label, sizeof other.label) < 0;
        assert_int_equal(heads_file_find(&file, other.label, &place), HEADS_SOUND);
        assert_true(!place.found && place.delta == 0 && place.n_before == n_smaller);
    }
    heads_file_close(&file);
    close_folder(&list);
}

static void the_root_is_that_of_a_tree_over_the_sorted_entries(void **state)
{
    (void)state;
    struct list list;
    build_list(&list, 2);
    struct heads_entry low = entry_of(0, 1), high = entry_of(1, 2);
    if (memcmp(low.label, high.label, sizeof low.label) > 0) {
        struct heads_entry other = low;
        low = high;
        high = other;
    }
    uint8_t text[1 + HEADS_ENTRY_BYTES] = {0}, node[65] = {1}, root[32];
    heads_entry_write(&low, text + 1);
    sha256_of(slice_of(text, sizeof text), node + 1);
    heads_entry_write(&high, text + 1);
    sha256_of(slice_of(text, sizeof text), node + 33);
    sha256_of(slice_of(node, sizeof node), root);
    assert_memory_equal(list.heads.root, root, sizeof root);
    close_folder(&list);
}

static void a_label_that_comes_twice_counts_once(void **state)
{
    (void)state;
    struct list list;
    struct heads_build *build = NULL;
    struct heads_file file;
    open_folder(&list);
    assert_int_equal(heads_build_new(list.heads_fd, &build), SL_OK);
    for (uint32_t i = 0; i < 150; i++) {
        struct heads_entry entry = entry_of(i % 100, 3);
        assert_int_equal(heads_build_add(build, &entry), SL_OK);
    }
    assert_int_equal(heads_build_n_entries(build), 150);
    assert_int_equal(heads_build_settle(build), SL_OK);
    assert_int_equal(heads_build_n_entries(build), 100);
    assert_int_equal(heads_build_sum(build), 300);
    struct heads_entry another = entry_of(5000, 7);
    assert_int_equal(heads_build_add(build, &another), SL_OK);
    finish(&list, build);
    assert_int_equal(list.heads.n_entries, 101);
    assert_int_equal(check(&list, &file), HEADS_SOUND);
    heads_file_close(&file);
    close_folder(&list);
}

static void what_a_crash_left_behind_is_replaced(void **state)
{
    (void)state;
    struct list list;
    struct heads_file file;
    struct heads_build *build = NULL;
    struct heads_entry entry = entry_of(1, 2);
    open_folder(&list);
    static const char *const left[] = {"list.tmp", "unsorted.tmp", "00000000000000000007.heads"};
    for (size_t i = 0; i < SL_LENGTH(left); i++) {
        int fd = openat(list.heads_fd, left[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, "half of", 7), 7);
        close(fd);
    }
    assert_int_equal(heads_build_new(list.heads_fd, &build), SL_OK);
    assert_int_equal(heads_build_add(build, &entry), SL_OK);
    finish(&list, build);
    assert_int_equal(check(&list, &file), HEADS_SOUND);
    heads_file_close(&file);
    close_folder(&list); /* fails if anything else is in it */
}

/* ---------------------------------------------------------------------------- wrong lists -- */

static void read_list(const struct list *list, uint8_t *bytes, size_t *n, size_t cap)
{
    int fd = open(list->path, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, bytes, cap);
    assert_true(got > 0 && (size_t)got < cap);
    *n = (size_t)got;
    close(fd);
}

static void write_file(const struct list *list, const uint8_t *bytes, size_t n)
{
    int fd = open(list->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

/* Makes both CRCs right: what a forger does. */
static void mend(uint8_t *bytes, size_t n)
{
    struct writer writer = writer_over(bytes + HEADS_HEAD_BYTES - 4, 4);
    write_u32(&writer, crc32c_of(slice_of(bytes, HEADS_HEAD_BYTES - 4)));
    writer = writer_over(bytes + n - 4, 4);
    write_u32(&writer, crc32c_of(slice_of(bytes, n - 4)));
}

/* And signs for what came out. */
static void commit_to(struct list *list, const uint8_t *bytes, size_t n)
{
    struct tree tree;
    tree_init(&tree);
    for (size_t at = HEADS_HEAD_BYTES; at + HEADS_ENTRY_BYTES <= n - 4; at += HEADS_ENTRY_BYTES) {
        uint8_t hash[SHA256_BYTES];
        tree_leaf_hash(slice_of(bytes + at, HEADS_ENTRY_BYTES), hash);
        tree_append(&tree, hash);
    }
    tree_root(&tree, list->heads.root);
    list->heads.n_entries = tree.size;
}

static void a_list_with_any_bit_changed_or_cut_anywhere_is_wrong(void **state)
{
    (void)state;
    struct list list;
    uint8_t bytes[1024];
    size_t n;
    build_list(&list, 4);
    read_list(&list, bytes, &n, sizeof bytes);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_file(&list, bytes, n);
        assert_wrong(&list, "");
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t length = 0; length < n; length++) {
        write_file(&list, bytes, length);
        assert_wrong(&list, "");
    }
    bytes[n] = 0;
    write_file(&list, bytes, n + 1);
    assert_wrong(&list, "has 677 bytes, and its head says 4 entries");
    close_folder(&list);
}

static void a_list_that_others_changed_is_told_from_one_that_was_signed_for(void **state)
{
    (void)state;
    struct list list;
    uint8_t bytes[1024];
    size_t n;
    build_list(&list, 4);
    read_list(&list, bytes, &n, sizeof bytes);
    bytes[HEADS_HEAD_BYTES + 39] ^= 1;
    write_file(&list, bytes, n);
    assert_wrong(&list, "was changed: its CRC is wrong");
    mend(bytes, n);
    write_file(&list, bytes, n);
    assert_wrong(&list, "is not the one that the ledger commits to; it accounts for");
    commit_to(&list, bytes, n);
    assert_wrong(&list, "is what the ledger commits to, but it accounts for");
    close_folder(&list);
}

static void a_forged_list_is_named_for_what_is_wrong_with_it(void **state)
{
    (void)state;
    struct list list;
    uint8_t bytes[1024], entry[HEADS_ENTRY_BYTES];
    size_t n;
    uint8_t *first = bytes + HEADS_HEAD_BYTES, *second = first + HEADS_ENTRY_BYTES;
    build_list(&list, 4);
    read_list(&list, bytes, &n, sizeof bytes);

    memcpy(entry, first, sizeof entry); /* two entries change places */
    memmove(first, second, sizeof entry);
    memcpy(second, entry, sizeof entry);
    mend(bytes, n);
    write_file(&list, bytes, n);
    commit_to(&list, bytes, n);
    assert_wrong(&list, "not sorted: entry 1 does not come after entry 0");

    memcpy(first, second, HEADS_LABEL_BYTES); /* a label twice */
    mend(bytes, n);
    write_file(&list, bytes, n);
    commit_to(&list, bytes, n);
    assert_wrong(&list, "not sorted: entry 1 does not come after entry 0");
    close_folder(&list);

    build_list(&list, 4);
    read_list(&list, bytes, &n, sizeof bytes);
    memset(first + HEADS_LABEL_BYTES, 0, 8); /* an entry of nothing */
    mend(bytes, n);
    write_file(&list, bytes, n);
    commit_to(&list, bytes, n);
    assert_wrong(&list, "entry 0 is of no receipt");

    memset(first + HEADS_LABEL_BYTES, 0xff, 8); /* a sum that goes around */
    mend(bytes, n);
    write_file(&list, bytes, n);
    commit_to(&list, bytes, n);
    assert_wrong(&list, "accounts for");
    close_folder(&list);

    build_list(&list, 4);
    read_list(&list, bytes, &n, sizeof bytes);
    memmove(first, second, n - HEADS_HEAD_BYTES - HEADS_ENTRY_BYTES); /* one is left out */
    n -= HEADS_ENTRY_BYTES;
    struct heads_head head;
    assert_int_equal(heads_head_parse(slice_of(bytes, HEADS_HEAD_BYTES), &head), SL_OK);
    uint8_t block[HEADS_HEAD_BYTES];
    head.n_entries--;
    heads_head_write(&head, block);
    memcpy(bytes, block, sizeof block);
    mend(bytes, n);
    write_file(&list, bytes, n);
    assert_wrong(&list, "has 3 entries, the ledger's heads say 4");
    commit_to(&list, bytes, n);
    assert_wrong(&list, "accounts for");
    close_folder(&list);
}

static void a_list_of_another_epoch_ledger_or_range_is_not_this_one(void **state)
{
    (void)state;
    struct list list;
    struct heads_file file;
    build_list(&list, 4);
    assert_int_equal(heads_file_open(&file, list.ledger_fd, 8, slice_of_str(ORIGIN)),
                     HEADS_MISSING);
    assert_non_null(strstr(file.problem, "epoch 8 is missing"));
    heads_file_close(&file);
    char other[160];
    snprintf(other, sizeof other, "%s/heads/00000000000000000008.heads", list.root);
    assert_int_equal(link(list.path, other), 0);
    assert_int_equal(heads_file_open(&file, list.ledger_fd, 8, slice_of_str(ORIGIN)), HEADS_WRONG);
    assert_non_null(strstr(file.problem, "is that of epoch 7 under another name"));
    heads_file_close(&file);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(heads_file_open(&file, list.ledger_fd, 7, slice_of_str("b")), HEADS_WRONG);
    assert_non_null(strstr(file.problem, "another ledger, \"" ORIGIN "\""));
    heads_file_close(&file);
    list.heads.end++;
    assert_wrong(&list, "the ledger's heads about 100 up to");
    list.heads.end--;
    list.n_receipts++;
    assert_wrong(&list, "is what the ledger commits to, but it accounts for");
    close_folder(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_any_length_is_sound_and_finds_each_of_its_labels),
        cmocka_unit_test(a_label_that_is_not_there_stands_between_two_others),
        cmocka_unit_test(the_root_is_that_of_a_tree_over_the_sorted_entries),
        cmocka_unit_test(a_label_that_comes_twice_counts_once),
        cmocka_unit_test(what_a_crash_left_behind_is_replaced),
        cmocka_unit_test(a_list_with_any_bit_changed_or_cut_anywhere_is_wrong),
        cmocka_unit_test(a_list_that_others_changed_is_told_from_one_that_was_signed_for),
        cmocka_unit_test(a_forged_list_is_named_for_what_is_wrong_with_it),
        cmocka_unit_test(a_list_of_another_epoch_ledger_or_range_is_not_this_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
