/*
 * test_proof.c - proofs against published ones, against a naive twin, and against every change
 *
 * The published values are those of the reference tree of eight leaves that Certificate
 * Transparency's implementations share (its roots are in test_tree.c).
 */
#include "ledger/proof.h"

#include "base/base64.h"
#include "ledger/proof_catch.h"
#include "ledger/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { LEAVES_MAX = 1100 };

static uint8_t leaves[LEAVES_MAX][SHA256_BYTES];

/* ----------------------------------------------------------------------------- the naive twin --
 */

/* MTH(D[lo:hi]) by its definition in RFC 9162 section 2.1.1. */
static void naive_root(size_t lo, size_t hi, uint8_t out[SHA256_BYTES])
{
    uint8_t node[1 + 2 * SHA256_BYTES] = {1};
    if (hi - lo == 1) {
        memcpy(out, leaves[lo], SHA256_BYTES);
        return;
    }
    size_t k = 1;
    while (2 * k < hi - lo)
        k *= 2;
    naive_root(lo, lo + k, node + 1);
    naive_root(lo + k, hi, node + 1 + SHA256_BYTES);
    sha256_of(slice_of(node, sizeof node), out);
}

static void naive_add(struct proof *proof, size_t lo, size_t hi)
{
    naive_root(lo, hi, proof->hashes[proof->n_hashes++]);
}

/* PATH(m, D[lo:hi]), section 2.1.3.1. */
static void naive_path(size_t m, size_t lo, size_t hi, struct proof *proof)
{
    if (hi - lo == 1)
        return;
    size_t k = 1;
    while (2 * k < hi - lo)
        k *= 2;
    if (m < k) {
        naive_path(m, lo, lo + k, proof);
        naive_add(proof, lo + k, hi);
    } else {
        naive_path(m - k, lo + k, hi, proof);
        naive_add(proof, lo, lo + k);
    }
}

/* SUBPROOF(m, D[lo:hi], b), section 2.1.4.1. */
static void naive_subproof(size_t m, size_t lo, size_t hi, bool b, struct proof *proof)
{
    if (m == hi - lo) {
        if (!b)
            naive_add(proof, lo, hi);
        return;
    }
    size_t k = 1;
    while (2 * k < hi - lo)
        k *= 2;
    if (m <= k) {
        naive_subproof(m, lo, lo + k, b, proof);
        naive_add(proof, lo + k, hi);
    } else {
        naive_subproof(m - k, lo + k, hi, false, proof);
        naive_add(proof, lo, lo + k);
    }
}

static enum sl_err naive_subtree(void *context, unsigned level, uint64_t index,
                                 uint8_t hash[SHA256_BYTES])
{
    size_t size = *(const size_t *)context;
    assert_true((index + 1) << level <= size);
    naive_root(index << level, (index + 1) << level, hash);
    return SL_OK;
}

static void draw_leaves(void)
{
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srandom(seed);
    for (size_t i = 0; i < LEAVES_MAX; i++)
        for (size_t j = 0; j < SHA256_BYTES; j++)
            leaves[i][j] = (uint8_t)random();
}

static void assert_same(const struct proof *proof, const struct proof *expected)
{
    assert_int_equal(proof->n_hashes, expected->n_hashes);
    assert_memory_equal(proof->hashes, expected->hashes, proof->n_hashes * SHA256_BYTES);
}

/* ------------------------------------------------------------------------------ known answers --
 */

static const char *const published_leaves[] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};

static void published_tree(void)
{
    for (size_t i = 0; i < SL_LENGTH(published_leaves); i++) {
        uint8_t leaf[16];
        size_t n = strlen(published_leaves[i]) / 2;
        assert_true(hex_decode(slice_of_str(published_leaves[i]), leaf, n));
        tree_leaf_hash(slice_of(leaf, n), leaves[i]);
    }
}

static void proof_of_hex(const char *const *hex, struct proof *out)
{
    *out = (struct proof){0};
    for (; *hex; hex++)
        assert_true(hex_decode(slice_of_str(*hex), out->hashes[out->n_hashes++], SHA256_BYTES));
}

#define H0    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define H1    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define H01   "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
#define H23   "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define H4    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define H45   "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define H67   "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define H0123 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define H4567 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

static void published_inclusion_proofs_come_out_and_hold(void **state)
{
    (void)state;
    static const struct {
        uint64_t index, size;
        const char *hashes[4];
    } cases[] = {
        {0, 1, {NULL}},
        {0, 8, {H1, H23, H4567, NULL}},
        {2, 3, {H01, NULL}},
        {5, 8, {H4, H67, H0123, NULL}},
        {1, 5, {H0, H23, H4, NULL}},
    };
    published_tree();
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        struct proof expected, made;
        uint8_t root[SHA256_BYTES];
        size_t size = cases[i].size;
        proof_of_hex(cases[i].hashes, &expected);
        naive_root(0, size, root);
        assert_int_equal(proof_inclusion_make((struct proof_source){naive_subtree, &size},
                                              cases[i].index, size, &made),
                         SL_OK);
        assert_same(&made, &expected);
        assert_int_equal(proof_inclusion_verify(&made, cases[i].index, leaves[cases[i].index],
                                                (struct proof_head){size, root}),
                         PROOF_HOLDS);
    }
}

static void published_consistency_proofs_come_out_and_hold(void **state)
{
    (void)state;
    static const struct {
        uint64_t old_size, new_size;
        const char *hashes[4];
    } cases[] = {
        {1, 1, {NULL}},
        {1, 8, {H1, H23, H4567, NULL}},
        {2, 5, {H23, H4, NULL}},
        {6, 8, {H45, H67, H0123, NULL}},
    };
    published_tree();
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        struct proof expected, made;
        uint8_t old_root[SHA256_BYTES], new_root[SHA256_BYTES];
        size_t size = cases[i].new_size;
        proof_of_hex(cases[i].hashes, &expected);
        naive_root(0, cases[i].old_size, old_root);
        naive_root(0, size, new_root);
        assert_int_equal(proof_consistency_make((struct proof_source){naive_subtree, &size},
                                                cases[i].old_size, size, &made),
                         SL_OK);
        assert_same(&made, &expected);
        assert_int_equal(proof_consistency_verify(&made,
                                                  (struct proof_head){cases[i].old_size, old_root},
                                                  (struct proof_head){size, new_root}),
                         PROOF_HOLDS);
    }
}

/* --------------------------------------------------------------------------------- every size --
 */

static bool is_interesting(size_t n)
{
    return n < 34 || (n & (n - 1)) == 0 || (n & (n + 1)) == 0 || ((n - 1) & (n - 2)) == 0;
}

static void inclusion_of_every_leaf_agrees_with_the_naive_twin(void **state)
{
    (void)state;
    draw_leaves();
    for (size_t size = 1; size < 140; size++) {
        uint8_t root[SHA256_BYTES];
        naive_root(0, size, root);
        for (size_t index = 0; index < size; index++) {
            struct proof made, expected = {0};
            struct proof_source source = {naive_subtree, &size};
            naive_path(index, 0, size, &expected);
            assert_int_equal(proof_inclusion_make(source, index, size, &made), SL_OK);
            assert_same(&made, &expected);
            assert_int_equal(proof_inclusion_verify(&made, index, leaves[index],
                                                    (struct proof_head){size, root}),
                             PROOF_HOLDS);
        }
    }
}

static void consistency_of_every_pair_agrees_with_the_naive_twin(void **state)
{
    (void)state;
    draw_leaves();
    for (size_t size = 1; size < 72; size++) {
        uint8_t old_root[SHA256_BYTES], new_root[SHA256_BYTES];
        naive_root(0, size, new_root);
        for (size_t old_size = 1; old_size <= size; old_size++) {
            struct proof made, expected = {0};
            struct proof_source source = {naive_subtree, &size};
            naive_subproof(old_size, 0, size, true, &expected);
            naive_root(0, old_size, old_root);
            assert_int_equal(proof_consistency_make(source, old_size, size, &made), SL_OK);
            assert_same(&made, &expected);
            assert_int_equal(proof_consistency_verify(&made,
                                                      (struct proof_head){old_size, old_root},
                                                      (struct proof_head){size, new_root}),
                             PROOF_HOLDS);
        }
    }
}

/* What one pass keeps is enough for any later size. */
static void one_pass_catches_all_that_proofs_ask_for(void **state)
{
    (void)state;
    static struct proof_catch of_leaf, of_size;
    draw_leaves();
    for (int again = 0; again < 40; again++) {
        size_t index = (size_t)random() % 300;
        proof_catch_leaf(&of_leaf, index);
        proof_catch_size(&of_size, index + 1);
        for (size_t size = 1; size <= LEAVES_MAX / 2; size++) {
            struct proof made, expected = {0}, growth = {0};
            proof_catch_add(&of_leaf, leaves[size - 1]);
            proof_catch_add(&of_size, leaves[size - 1]);
            if (size <= index || (!is_interesting(size) && random() % 64 != 0))
                continue;
            naive_path(index, 0, size, &expected);
            assert_int_equal(proof_inclusion_make(proof_catch_source(&of_leaf), index, size, &made),
                             SL_OK);
            assert_same(&made, &expected);
            naive_subproof(index + 1, 0, size, true, &growth);
            assert_int_equal(
                proof_consistency_make(proof_catch_source(&of_size), index + 1, size, &made),
                SL_OK);
            assert_same(&made, &growth);
        }
    }
}

static void what_was_not_caught_is_an_error_and_no_proof(void **state)
{
    (void)state;
    static struct proof_catch caught;
    struct proof untouched = {.n_hashes = 77};
    draw_leaves();
    proof_catch_leaf(&caught, 3);
    for (size_t i = 0; i < 9; i++)
        proof_catch_add(&caught, leaves[i]);
    assert_int_equal(proof_inclusion_make(proof_catch_source(&caught), 6, 9, &untouched),
                     SL_EINTERNAL);
    assert_int_equal(untouched.n_hashes, 77);
    assert_int_equal(proof_consistency_make(proof_catch_source(&caught), 6, 9, &untouched),
                     SL_EINTERNAL);
    assert_int_equal(untouched.n_hashes, 77);
}

/* ---------------------------------------------------------------------------- what is refused --
 */

static void insert_hash(struct proof *proof, size_t at)
{
    memmove(proof->hashes[at + 1], proof->hashes[at], (proof->n_hashes - at) * SHA256_BYTES);
    memset(proof->hashes[at], 0x5a, SHA256_BYTES);
    proof->n_hashes++;
}

static void remove_hash(struct proof *proof, size_t at)
{
    proof->n_hashes--;
    memmove(proof->hashes[at], proof->hashes[at + 1], (proof->n_hashes - at) * SHA256_BYTES);
}

/* One that was changed: each bit, one hash more, one less, two swapped. */
static size_t n_changes(const struct proof *proof)
{
    return proof->n_hashes * SHA256_BYTES * 8 + (proof->n_hashes + 1) + proof->n_hashes +
           (proof->n_hashes > 0 ? proof->n_hashes - 1 : 0);
}

static void change(struct proof *proof, size_t which)
{
    size_t n_bits = proof->n_hashes * SHA256_BYTES * 8;
    if (which < n_bits) {
        proof->hashes[which / 256][which % 256 / 8] ^= (uint8_t)(1u << which % 8);
        return;
    }
    which -= n_bits;
    if (which <= proof->n_hashes) {
        insert_hash(proof, which);
        return;
    }
    which -= proof->n_hashes + 1;
    if (which < proof->n_hashes) {
        remove_hash(proof, which);
        return;
    }
    which -= proof->n_hashes;
    uint8_t kept[SHA256_BYTES];
    memcpy(kept, proof->hashes[which], sizeof kept);
    memcpy(proof->hashes[which], proof->hashes[which + 1], sizeof kept);
    memcpy(proof->hashes[which + 1], kept, sizeof kept);
}

static void no_changed_inclusion_proof_holds(void **state)
{
    (void)state;
    draw_leaves();
    for (size_t size = 1; size <= 19; size++) {
        uint8_t root[SHA256_BYTES];
        naive_root(0, size, root);
        const struct proof_head head = {size, root};
        for (size_t index = 0; index < size; index++) {
            struct proof proof = {0};
            naive_path(index, 0, size, &proof);
            for (size_t i = 0; i < n_changes(&proof); i++) {
                struct proof changed = proof;
                change(&changed, i);
                assert_int_not_equal(proof_inclusion_verify(&changed, index, leaves[index], head),
                                     PROOF_HOLDS);
            }
            /* Another index, another leaf, another size, another root. */
            for (size_t other = 0; other <= size; other++)
                if (other != index) {
                    assert_int_not_equal(proof_inclusion_verify(&proof, other, leaves[index], head),
                                         PROOF_HOLDS);
                    assert_int_not_equal(proof_inclusion_verify(&proof, index, leaves[other], head),
                                         PROOF_HOLDS);
                }
            for (size_t bit = 0; bit < 256; bit++) {
                root[bit / 8] ^= (uint8_t)(1u << bit % 8);
                assert_int_equal(proof_inclusion_verify(&proof, index, leaves[index], head),
                                 PROOF_OTHER_ROOT);
                root[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
        }
    }
}

static void no_changed_consistency_proof_holds(void **state)
{
    (void)state;
    draw_leaves();
    for (size_t size = 1; size <= 18; size++) {
        uint8_t old_root[SHA256_BYTES], new_root[SHA256_BYTES];
        naive_root(0, size, new_root);
        for (size_t old_size = 1; old_size <= size; old_size++) {
            struct proof proof = {0};
            naive_subproof(old_size, 0, size, true, &proof);
            naive_root(0, old_size, old_root);
            const struct proof_head old_head = {old_size, old_root}, new_head = {size, new_root};
            for (size_t i = 0; i < n_changes(&proof); i++) {
                struct proof changed = proof;
                change(&changed, i);
                assert_int_not_equal(proof_consistency_verify(&changed, old_head, new_head),
                                     PROOF_HOLDS);
            }
            for (size_t bit = 0; bit < 512; bit++) {
                uint8_t *root = bit < 256 ? old_root : new_root;
                root[bit % 256 / 8] ^= (uint8_t)(1u << bit % 8);
                assert_int_equal(proof_consistency_verify(&proof, old_head, new_head),
                                 PROOF_OTHER_ROOT);
                root[bit % 256 / 8] ^= (uint8_t)(1u << bit % 8);
            }
        }
    }
}

static void sizes_that_prove_nothing_are_impossible(void **state)
{
    (void)state;
    static const uint8_t empty_root[SHA256_BYTES] = {0xe3};
    struct proof none = {0}, one = {.n_hashes = 1};
    const struct proof_head empty = {0, empty_root}, some = {5, empty_root};
    assert_int_equal(proof_inclusion_verify(&none, 0, empty_root, empty), PROOF_IMPOSSIBLE);
    assert_int_equal(proof_inclusion_verify(&none, 5, empty_root, some), PROOF_IMPOSSIBLE);
    assert_int_equal(proof_inclusion_verify(&none, UINT64_MAX, empty_root,
                                            (struct proof_head){UINT64_MAX, empty_root}),
                     PROOF_IMPOSSIBLE);
    assert_int_equal(proof_consistency_verify(&none, empty, empty), PROOF_IMPOSSIBLE);
    assert_int_equal(proof_consistency_verify(&none, empty, some), PROOF_IMPOSSIBLE);
    assert_int_equal(proof_consistency_verify(&one, empty, some), PROOF_IMPOSSIBLE);
    assert_int_equal(proof_consistency_verify(&one, some, empty), PROOF_IMPOSSIBLE);
    assert_int_equal(proof_consistency_verify(&one, some, some), PROOF_WRONG_LENGTH);
    assert_int_equal(proof_consistency_verify(&none, (struct proof_head){4, empty_root}, some),
                     PROOF_WRONG_LENGTH);
}

/* A tree in which each complete subtree's hash is made of its place: of any size. */
static enum sl_err made_up_subtree(void *context, unsigned level, uint64_t index,
                                   uint8_t hash[SHA256_BYTES])
{
    (void)context;
    memset(hash, 0, SHA256_BYTES);
    memcpy(hash, &index, sizeof index);
    hash[8] = (uint8_t)level;
    hash[9] = 1;
    return SL_OK;
}

static void the_largest_trees_have_proofs_of_the_right_length_only(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {UINT64_MAX,
                                     UINT64_MAX - 1,
                                     UINT64_C(1) << 63,
                                     (UINT64_C(1) << 63) + 1,
                                     (UINT64_C(1) << 63) - 1,
                                     UINT64_C(1) << 32};
    const uint64_t indices[] = {0, 1, 2, UINT64_C(1) << 31, (UINT64_C(1) << 63) - 2};
    struct proof_source source = {made_up_subtree, NULL};
    static const uint8_t root[SHA256_BYTES];
    for (size_t s = 0; s < SL_LENGTH(sizes); s++) {
        for (size_t i = 0; i < SL_LENGTH(indices) + 1; i++) {
            uint64_t index = i < SL_LENGTH(indices) ? indices[i] : sizes[s] - 1;
            if (index >= sizes[s])
                continue;
            struct proof proof;
            const struct proof_head head = {sizes[s], root};
            uint8_t leaf[SHA256_BYTES];
            assert_int_equal(made_up_subtree(NULL, 0, index, leaf), SL_OK);
            assert_int_equal(proof_inclusion_make(source, index, sizes[s], &proof), SL_OK);
            assert_in_range(proof.n_hashes, 1, PROOF_INCLUSION_HASHES_MAX);
            assert_int_equal(proof_inclusion_verify(&proof, index, leaf, head), PROOF_OTHER_ROOT);
            size_t n = proof.n_hashes;
            for (proof.n_hashes = 0; proof.n_hashes <= PROOF_CONSISTENCY_HASHES_MAX;
                 proof.n_hashes++)
                if (proof.n_hashes != n)
                    assert_int_equal(proof_inclusion_verify(&proof, index, leaf, head),
                                     PROOF_WRONG_LENGTH);

            if (index == 0 || index + 1 == sizes[s])
                continue;
            const struct proof_head old_head = {index + 1, root};
            assert_int_equal(proof_consistency_make(source, index + 1, sizes[s], &proof), SL_OK);
            assert_in_range(proof.n_hashes, 1, PROOF_CONSISTENCY_HASHES_MAX);
            assert_int_equal(proof_consistency_verify(&proof, old_head, head), PROOF_OTHER_ROOT);
            n = proof.n_hashes;
            for (proof.n_hashes = 0; proof.n_hashes <= PROOF_CONSISTENCY_HASHES_MAX;
                 proof.n_hashes++)
                if (proof.n_hashes != n)
                    assert_int_equal(proof_consistency_verify(&proof, old_head, head),
                                     PROOF_WRONG_LENGTH);
        }
    }
}

static void the_longest_proofs_fit(void **state)
{
    (void)state;
    struct proof proof;
    struct proof_source source = {made_up_subtree, NULL};
    assert_int_equal(proof_inclusion_make(source, 0, UINT64_MAX, &proof), SL_OK);
    assert_int_equal(proof.n_hashes, PROOF_INCLUSION_HASHES_MAX);
    assert_int_equal(proof_consistency_make(source, 3, UINT64_MAX, &proof), SL_OK);
    assert_int_equal(proof.n_hashes, PROOF_CONSISTENCY_HASHES_MAX);
}

static enum sl_err failing_subtree(void *context, unsigned level, uint64_t index,
                                   uint8_t hash[SHA256_BYTES])
{
    int *left = context;
    if ((*left)-- == 0)
        return SL_ESTORE;
    return made_up_subtree(NULL, level, index, hash);
}

static void a_source_that_fails_leaves_the_proof_untouched(void **state)
{
    (void)state;
    int n_failed = 0;
    for (int n = 0;; n++, n_failed++) {
        struct proof proof = {.n_hashes = 77};
        int left = n;
        enum sl_err err =
            proof_inclusion_make((struct proof_source){failing_subtree, &left}, 3, 1000, &proof);
        if (err == SL_OK)
            break;
        assert_int_equal(err, SL_ESTORE);
        assert_int_equal(proof.n_hashes, 77);
    }
    assert_true(n_failed > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_inclusion_proofs_come_out_and_hold),
        cmocka_unit_test(published_consistency_proofs_come_out_and_hold),
        cmocka_unit_test(inclusion_of_every_leaf_agrees_with_the_naive_twin),
        cmocka_unit_test(consistency_of_every_pair_agrees_with_the_naive_twin),
        cmocka_unit_test(one_pass_catches_all_that_proofs_ask_for),
        cmocka_unit_test(what_was_not_caught_is_an_error_and_no_proof),
        cmocka_unit_test(no_changed_inclusion_proof_holds),
        cmocka_unit_test(no_changed_consistency_proof_holds),
        cmocka_unit_test(sizes_that_prove_nothing_are_impossible),
        cmocka_unit_test(the_largest_trees_have_proofs_of_the_right_length_only),
        cmocka_unit_test(the_longest_proofs_fit),
        cmocka_unit_test(a_source_that_fails_leaves_the_proof_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
