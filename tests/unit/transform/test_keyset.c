/* Hashes of keys, and the set of open objects' keys against a list that is searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/keyset.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int draw_key(void **state)
{
    (void)state;
    return key_hash_init() == SL_OK ? 0 : -1;
}

static uint64_t hash_of(const char *key)
{
    return key_hash(slice_of_str(key));
}

static void equal_keys_have_equal_hashes_wherever_they_lie(void **state)
{
    (void)state;
    char block[80];
    for (size_t n = 0; n <= 40; n++)
        for (size_t shift = 0; shift < 9; shift++) {
            memset(block, '#', sizeof block);
            for (size_t i = 0; i < n; i++)
                block[shift + i] = (char)('a' + i % 26);
            uint64_t hash = key_hash(slice_of(block + shift, n));
            memset(block, '!', sizeof block);
            for (size_t i = 0; i < n; i++)
                block[i] = (char)('a' + i % 26);
            assert_true(hash == key_hash(slice_of(block, n)));
            assert_true(hash != 0);
        }
}

/* Short keys are loaded in overlapping parts: no two may be taken for each other. */
static void keys_of_few_bytes_differ(void **state)
{
    (void)state;
    static const char letters[] = "ab\x01\x02";
    enum { N_KEYS = 1 + 4 + 16 + 64 + 256 + 1024 };
    uint64_t *hashes = calloc(N_KEYS, sizeof *hashes);
    assert_non_null(hashes);
    size_t n_keys = 0;
    for (size_t n = 0, n_of_length = 1; n <= 5; n++, n_of_length *= 4)
        for (size_t i = 0; i < n_of_length; i++) {
            char key[5];
            for (size_t k = 0, rest = i; k < n; k++, rest /= 4)
                key[k] = letters[rest % 4];
            uint64_t hash = key_hash(slice_of(key, n));
            for (size_t k = 0; k < n_keys; k++)
                assert_true(hashes[k] != hash);
            hashes[n_keys++] = hash;
        }
    assert_int_equal(n_keys, N_KEYS);
    free(hashes);
}

static void each_byte_of_a_key_counts(void **state)
{
    (void)state;
    uint8_t key[40];
    for (size_t n = 1; n <= sizeof key; n++) {
        memset(key, 'x', sizeof key);
        uint64_t hash = key_hash(slice_of(key, n));
        for (size_t i = 0; i < n; i++)
            for (unsigned bit = 0; bit < 8; bit++) {
                key[i] ^= (uint8_t)(1u << bit);
                assert_true(key_hash(slice_of(key, n)) != hash);
                key[i] ^= (uint8_t)(1u << bit);
            }
        assert_true(n == sizeof key || key_hash(slice_of(key, n + 1)) != hash);
    }
}

static void an_inner_object_has_keys_of_its_own(void **state)
{
    (void)state;
    struct key_set set;
    assert_true(key_set_init(&set));
    assert_int_equal(key_set_add(&set, hash_of("a"), 1), KEY_NEW);
    assert_int_equal(key_set_add(&set, hash_of("a"), 2), KEY_NEW);
    assert_int_equal(key_set_add(&set, hash_of("a"), 2), KEY_DUPLICATE);
    assert_int_equal(key_set_add(&set, hash_of("a"), 1), KEY_DUPLICATE);
    key_set_cut(&set, 1);
    assert_int_equal(key_set_add(&set, hash_of("a"), 2), KEY_NEW);
    assert_int_equal(key_set_add(&set, hash_of("a"), 1), KEY_DUPLICATE);
    key_set_deinit(&set);
}

static void it_agrees_with_a_list_through_thousands_of_objects(void **state)
{
    (void)state;
    enum { N_STEPS = 60000, KEYS_MAX = 4000, N_NAMES = 1500 };
    static uint64_t list[KEYS_MAX];
    static size_t list_depth[KEYS_MAX];
    size_t starts[64];
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    struct key_set set;
    assert_true(key_set_init(&set));
    size_t n = 0;
    size_t depth = 0;
    for (size_t step = 0; step < N_STEPS; step++) {
        int what = rand() % 100;
        if (what == 0 && depth < 64) {
            starts[depth++] = n;
        } else if (what == 1 && depth > 0) {
            n = starts[--depth];
            key_set_cut(&set, n);
        } else if (n < KEYS_MAX) {
            uint64_t name = (uint64_t)(rand() % N_NAMES);
            uint64_t hash = key_hash(slice_of(&name, sizeof name));
            size_t start = depth > 0 ? starts[depth - 1] : 0;
            bool is_known = false;
            for (size_t i = start; i < n; i++)
                is_known = is_known || (list[i] == hash && list_depth[i] == depth);
            assert_int_equal(key_set_add(&set, hash, depth), is_known ? KEY_DUPLICATE : KEY_NEW);
            if (!is_known) {
                list_depth[n] = depth;
                list[n++] = hash;
            }
        }
        assert_int_equal(set.n_keys, n);
    }
    key_set_deinit(&set);
}

static void after_a_reset_the_set_is_empty_however_large_it_was(void **state)
{
    (void)state;
    struct key_set set;
    assert_true(key_set_init(&set));
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 20000; i++)
            assert_int_equal(key_set_add(&set, key_hash(slice_of(&i, sizeof i)), 1), KEY_NEW);
        key_set_reset(&set);
        assert_int_equal(set.n_keys, 0);
        assert_true(set.n_slots <= 1024);
        for (size_t i = 0; i < set.n_slots; i++)
            assert_true(set.table[i] == 0);
    }
    key_set_deinit(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_keys_have_equal_hashes_wherever_they_lie),
        cmocka_unit_test(keys_of_few_bytes_differ),
        cmocka_unit_test(each_byte_of_a_key_counts),
        cmocka_unit_test(an_inner_object_has_keys_of_its_own),
        cmocka_unit_test(it_agrees_with_a_list_through_thousands_of_objects),
        cmocka_unit_test(after_a_reset_the_set_is_empty_however_large_it_was),
    };
    return cmocka_run_group_tests(tests, draw_key, NULL);
}
