/*
 * test_proof_passes.c - every proof of two passes holds, and is the only one there is
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/proof_passes.h"
#include "ledger/tree.h"

#include <stdio.h>
#include <string.h>

static void leaf_of(uint64_t index, uint8_t hash[SHA256_BYTES])
{
    uint8_t bytes[8];
    memcpy(bytes, &index, sizeof bytes);
    tree_leaf_hash(slice_of(bytes, sizeof bytes), hash);
}

static struct proof_passes *first_pass(uint64_t size, uint8_t root[SHA256_BYTES])
{
    struct proof_passes *passes = NULL;
    struct tree tree;
    tree_init(&tree);
    assert_int_equal(proof_passes_new(&passes), SL_OK);
    for (uint64_t i = 0; i < size; i++) {
        uint8_t hash[SHA256_BYTES];
        leaf_of(i, hash);
        tree_append(&tree, hash);
        assert_int_equal(proof_passes_add(passes, hash), SL_OK);
    }
    tree_root(&tree, root);
    proof_passes_turn(passes);
    assert_int_equal(proof_passes_size(passes), size);
    return passes;
}

static void every_leaf_of_any_size_is_proven(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1,   2,   3,   255,  256,  257,  300,  511,
                                     512, 513, 767, 1000, 1024, 1025, 1791, 4097};
    for (size_t k = 0; k < SL_LENGTH(sizes); k++) {
        uint8_t root[SHA256_BYTES], hash[SHA256_BYTES];
        SL_AUTO(proof_passes) passes = first_pass(sizes[k], root);
        const struct proof_head head = {sizes[k], root};
        uint64_t first = 0;
        for (uint64_t i = 0; i < sizes[k]; i++) {
            bool is_ready = false;
            leaf_of(i, hash);
            assert_int_equal(proof_passes_again(passes, hash, &is_ready), SL_OK);
            assert_int_equal(is_ready, i % 256 == 255 || i + 1 == sizes[k]);
            for (; is_ready && first <= i; first++) {
                struct proof proof;
                leaf_of(first, hash);
                assert_int_equal(proof_passes_make(passes, first, &proof), SL_OK);
                assert_int_equal(proof_inclusion_verify(&proof, first, hash, head), PROOF_HOLDS);
            }
        }
        assert_int_equal(first, sizes[k]);
    }
}

/* A tile that differs shows at its end at the latest; a leaf of the rest at once. */
static void a_second_pass_with_other_leaves_is_found(void **state)
{
    (void)state;
    static const uint64_t changed[] = {0, 100, 255, 256, 299, 511, 512, 520};
    for (size_t k = 0; k < SL_LENGTH(changed); k++) {
        uint8_t root[SHA256_BYTES], hash[SHA256_BYTES];
        SL_AUTO(proof_passes) passes = first_pass(521, root);
        uint64_t found_at = UINT64_MAX;
        for (uint64_t i = 0; i < 521 && found_at == UINT64_MAX; i++) {
            bool is_ready;
            leaf_of(i == changed[k] ? 9999 : i, hash);
            if (proof_passes_again(passes, hash, &is_ready) != SL_OK)
                found_at = i;
        }
        assert_int_equal(found_at, changed[k] < 512 ? changed[k] | 255 : changed[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_leaf_of_any_size_is_proven),
        cmocka_unit_test(a_second_pass_with_other_leaves_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
