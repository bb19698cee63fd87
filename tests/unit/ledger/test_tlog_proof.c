/*
 * test_tlog_proof.c - proofs as text, and the public functions that check them
 *
 * malloc() and its like are taken over: what the public header promises to do without them, it
 * does without them. OpenSSL's own are not touched, as it is a shared library.
 */
#include "ledger/tlog_proof.h"

#include "base/base64.h"
#include "ledger/proof_catch.h"
#include "signing.h"

#include <sluis/verify.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t each);
void *__real_realloc(void *block, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t each);
void *__wrap_realloc(void *block, size_t n);

static unsigned n_allocations;

void *__wrap_malloc(size_t n)
{
    n_allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t each)
{
    n_allocations++;
    return __real_calloc(n, each);
}

void *__wrap_realloc(void *block, size_t n)
{
    n_allocations++;
    return __real_realloc(block, n);
}

#define ORIGIN "log.example/1"
#define HASH   "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="

/* --------------------------------------------------------------------------------------- text --
 */

static void what_is_read_is_written_again(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t index;
        size_t n_hashes;
    } right[] = {
        {"c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n", 0, 0},
        {"c2sp.org/tlog-proof@v1\nindex 18446744073709551615\n" HASH "\n\nx\n", UINT64_MAX, 1},
        {"c2sp.org/tlog-proof@v1\nextra AA==\nindex 7\n" HASH "\n" HASH "\n\na\n\nb\n", 7, 2},
    };
    for (size_t i = 0; i < SL_LENGTH(right); i++) {
        struct tlog_proof proof;
        char again[512];
        struct writer writer = writer_over(again, sizeof again);
        struct slice text = slice_of_str(right[i].text);
        assert_int_equal(tlog_proof_parse(text, &proof), SL_OK);
        assert_true(proof.index == right[i].index);
        assert_int_equal(proof.proof.n_hashes, right[i].n_hashes);
        assert_int_equal(tlog_proof_write(&proof, &writer), SL_OK);
        assert_true(slice_equals(writer_slice(&writer), text));
        for (size_t cap = 0; cap < text.n; cap++) {
            writer = writer_over(again, cap);
            assert_int_equal(tlog_proof_write(&proof, &writer), SL_ELIMIT);
        }
    }
}

static void anything_else_is_not_a_proof(void **state)
{
    (void)state;
#define P "c2sp.org/tlog-proof@v1\n"
    static const char *const wrong[] = {
        "",
        P,
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
        " " P "index 0\n\nx\n",
        "c2sp.org/tlog-proof@v1\r\nindex 0\n\nx\n",
        P "index 0\n",
        P "index 0\n\n",
        P "index 0\n\nx",
        P "index 0\nx\n",
        P "index\n\nx\n",
        P "index \n\nx\n",
        P "index 00\n\nx\n",
        P "index -1\n\nx\n",
        P "index +1\n\nx\n",
        P "index 0 \n\nx\n",
        P "index  0\n\nx\n",
        P "index 18446744073709551616\n\nx\n",
        P "Index 0\n\nx\n",
        P "index 0\nextra AA==\n\nx\n",
        P "extra \nindex 0\n\nx\n",
        P "extra AA\nindex 0\n\nx\n",
        P "extra AB==\nindex 0\n\nx\n",
        P "extra AA==\nextra AA==\nindex 0\n\nx\n",
        P "index 0\nAA==\n\nx\n",                                         /* short */
        P "index 0\n" HASH HASH "\n\nx\n",                                /* long */
        P "index 0\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6t=\n\nx\n", /* stray bits */
        P "index 0\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s\n\nx\n",  /* no padding */
        P "index 0\n" HASH " \n\nx\n",
        P "index 0\n" HASH "\r\n\nx\n",
        P "index 0\n_6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n\nx\n",     /* another alphabet */
        P "index 0\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urqw==\n\nx\n", /* 34 bytes */
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        struct tlog_proof proof = {.index = 77};
        if (tlog_proof_parse(slice_of_str(wrong[i]), &proof) != SL_EMALFORMED)
            fail_msg("was read: %s", wrong[i]);
        assert_int_equal(proof.index, 77);
    }
    const struct tlog_proof extra = {.extra = slice_of_str("A"), .checkpoint = slice_of_str("x\n")};
    char block[64];
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(tlog_proof_write(&extra, &writer), SL_EMALFORMED);
}

static void a_proof_has_limits(void **state)
{
    (void)state;
    static char text[TLOG_PROOF_BYTES_MAX + 2];
    struct tlog_proof proof;
    for (size_t n = PROOF_INCLUSION_HASHES_MAX; n <= PROOF_INCLUSION_HASHES_MAX + 1; n++) {
        strcpy(text, P "index 0\n");
        for (size_t i = 0; i < n; i++)
            strcat(text, HASH "\n");
        strcat(text, "\nx\n");
        assert_int_equal(tlog_proof_parse(slice_of_str(text), &proof),
                         n > PROOF_INCLUSION_HASHES_MAX ? SL_EMALFORMED : SL_OK);
    }
    for (size_t n = TLOG_PROOF_EXTRA_BYTES_MAX; n <= TLOG_PROOF_EXTRA_BYTES_MAX + 1; n++) {
        static uint8_t extra[TLOG_PROOF_EXTRA_BYTES_MAX + 1];
        struct writer writer = writer_over(text, sizeof text);
        write_str(&writer, P "extra ");
        write_base64(&writer, slice_of(extra, n));
        write_str(&writer, "\nindex 0\n\nx\n");
        assert_int_equal(tlog_proof_parse(writer_slice(&writer), &proof),
                         n > TLOG_PROOF_EXTRA_BYTES_MAX ? SL_EMALFORMED : SL_OK);
    }
    for (size_t n = NOTE_BYTES_MAX; n <= NOTE_BYTES_MAX + 1; n++) {
        struct writer writer = writer_over(text, sizeof text);
        write_str(&writer, P "index 0\n\n");
        memset(text + writer.n, '\n', n);
        assert_int_equal(tlog_proof_parse(slice_of(text, writer.n + n), &proof),
                         n > NOTE_BYTES_MAX ? SL_EMALFORMED : SL_OK);
    }
    memset(text, 'x', sizeof text);
    assert_int_equal(tlog_proof_parse(slice_of(text, TLOG_PROOF_BYTES_MAX + 1), &proof), SL_ELIMIT);
}

static void growth_is_the_body_that_a_witness_is_sent(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",           "old 1\n",  "old 1\n\n",          "old 1\n\nx",           "old 01\n\nx\n",
        "old\n\nx\n", "1\n\nx\n", "old 1\nAA==\n\nx\n", "old 1\n" HASH "\nx\n",
    };
    static const char right[] = "old 5\n" HASH "\n\ncheckpoint\n";
    struct tlog_growth growth = {.old_size = 77};
    for (size_t i = 0; i < SL_LENGTH(wrong); i++)
        assert_int_equal(tlog_growth_parse(slice_of_str(wrong[i]), &growth), SL_EMALFORMED);
    assert_int_equal(growth.old_size, 77);
    assert_int_equal(tlog_growth_parse(slice_of_str(right), &growth), SL_OK);
    assert_int_equal(growth.old_size, 5);
    assert_int_equal(growth.proof.n_hashes, 1);
    assert_true(slice_equals_str(growth.checkpoint, "checkpoint\n"));
    static char text[TLOG_PROOF_BYTES_MAX];
    struct writer writer = writer_over(text, sizeof text);
    assert_int_equal(tlog_growth_write(&growth, &writer), SL_OK);
    assert_true(slice_equals_str(writer_slice(&writer), right));
    for (size_t n = 63; n <= 64; n++) { /* tlog-witness: at most 63 */
        strcpy(text, "old 1\n");
        for (size_t i = 0; i < n; i++)
            strcat(text, HASH "\n");
        strcat(text, "\nx\n");
        assert_int_equal(tlog_growth_parse(slice_of_str(text), &growth),
                         n > 63 ? SL_EMALFORMED : SL_OK);
    }
    growth.proof.n_hashes = 64;
    assert_int_equal(tlog_growth_write(&growth, &writer), SL_ELIMIT);
    static char long_one[TLOG_PROOF_BYTES_MAX + 1];
    assert_int_equal(tlog_growth_parse(slice_of(long_one, sizeof long_one), &growth), SL_ELIMIT);
}

/* -------------------------------------------------------------------------- public functions -- */

enum { N_LEAVES = 11 };

static struct signing the_log, other_log, witness;

static int setup(void **state)
{
    (void)state;
    signing_init(&the_log, ORIGIN, VKEY_ED25519, 100);
    signing_init(&other_log, ORIGIN, VKEY_ED25519, 101);
    signing_init(&witness, "witness.example", VKEY_COSIGNATURE, 1);
    return 0;
}

static void leaf_of(uint64_t index, char leaf[16])
{
    snprintf(leaf, 16, "leaf %llu", (unsigned long long)index);
}

static void catch_all(struct proof_catch *caught, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        char leaf[16];
        uint8_t hash[SHA256_BYTES];
        leaf_of(i, leaf);
        tree_leaf_hash(slice_of_str(leaf), hash);
        proof_catch_add(caught, hash);
    }
}

/* A checkpoint over the tree, cosigned when asked, with extension lines when there are any. */
static struct slice note_over(const struct tree *tree, bool cosigned, const char *extension,
                              char block[4096])
{
    uint8_t root[SHA256_BYTES];
    char text[1024];
    struct writer writer = writer_over(text, sizeof text);
    tree_root(tree, root);
    write_str(&writer, ORIGIN "\n");
    write_decimal(&writer, tree->size);
    write_str(&writer, "\n");
    write_base64(&writer, slice_of(root, sizeof root));
    write_str(&writer, "\n");
    write_str(&writer, extension);
    struct slice signed_text = writer_slice(&writer);
    writer = writer_over(block, 4096);
    write_bytes(&writer, signed_text);
    write_str(&writer, "\n");
    signing_write_line(&the_log, signed_text, 0, &writer);
    if (cosigned)
        signing_write_line(&witness, signed_text, 1700000000, &writer);
    assert_false(writer.overflow);
    return writer_slice(&writer);
}

struct proven {
    char note[4096], text[8192], leaf[16];
    size_t n;
};

static void prove(struct proven *proven, uint64_t index, const char *extension)
{
    static struct proof_catch caught;
    proof_catch_leaf(&caught, index);
    catch_all(&caught, N_LEAVES);
    struct tlog_proof proof = {
        .index = index, .checkpoint = note_over(&caught.tree, true, extension, proven->note)};
    assert_int_equal(
        proof_inclusion_make(proof_catch_source(&caught), index, N_LEAVES, &proof.proof), SL_OK);
    struct writer writer = writer_over(proven->text, sizeof proven->text);
    assert_int_equal(tlog_proof_write(&proof, &writer), SL_OK);
    proven->n = writer.n;
    leaf_of(index, proven->leaf);
}

static enum sluis_verify_result verify(const struct proven *proven, const char *leaf,
                                       const char *vkey, const char *policy,
                                       struct sluis_proof_report *report)
{
    const struct sluis_trust trust = {vkey, policy, policy ? strlen(policy) : 0};
    return sluis_verify_proof(proven->text, proven->n, leaf, strlen(leaf), &trust, report);
}

static void each_receipt_is_proven_without_an_allocation(void **state)
{
    (void)state;
    char policy[1024], vkey_line[256];
    snprintf(policy, sizeof policy, "log %s\nwitness w %s\nquorum w\n", the_log.vkey_text,
             witness.vkey_text);
    snprintf(vkey_line, sizeof vkey_line, "%s\n", the_log.vkey_text);
    void *volatile block = malloc(1);
    free(block);
    assert_true(n_allocations > 0); /* the counter works */
    for (uint64_t i = 0; i < N_LEAVES; i++) {
        struct proven proven;
        struct sluis_proof_report report;
        prove(&proven, i, "");
        n_allocations = 0;
        assert_int_equal(verify(&proven, proven.leaf, vkey_line, policy, &report),
                         SLUIS_VERIFY_VALID);
        assert_int_equal(n_allocations, 0);
        assert_int_equal(report.index, i);
        assert_int_equal(report.size, N_LEAVES);
        assert_string_equal(report.origin, ORIGIN);
        assert_int_equal(report.n_witnesses, 1);
        assert_int_equal(report.oldest_cosigned_s, 1700000000);
        assert_int_equal(verify(&proven, "leaf 99", the_log.vkey_text, NULL, &report),
                         SLUIS_VERIFY_INVALID);
        assert_non_null(strstr(report.problem, "root"));
    }
}

static void extension_lines_of_others_are_accepted(void **state)
{
    (void)state;
    struct proven proven;
    struct sluis_proof_report report;
    prove(&proven, 3, "an extension\nanother\n");
    assert_int_equal(verify(&proven, proven.leaf, the_log.vkey_text, NULL, &report),
                     SLUIS_VERIFY_VALID);
    prove(&proven, 3, "an extension\n\nafter an empty line\n");
    assert_int_equal(verify(&proven, proven.leaf, the_log.vkey_text, NULL, &report),
                     SLUIS_VERIFY_INVALID);
}

static void keys_and_policies_that_cannot_be_used_leave_it_unchecked(void **state)
{
    (void)state;
    struct proven proven;
    struct sluis_proof_report report;
    prove(&proven, 3, "");
    static const char *const keys[] = {"", "x", "a+b+c"};
    for (size_t i = 0; i < SL_LENGTH(keys); i++)
        assert_int_equal(verify(&proven, proven.leaf, keys[i], NULL, &report),
                         SLUIS_VERIFY_UNCHECKED);
    assert_int_equal(verify(&proven, proven.leaf, witness.vkey_text, NULL, &report),
                     SLUIS_VERIFY_UNCHECKED);
    assert_int_equal(verify(&proven, proven.leaf, NULL, NULL, &report), SLUIS_VERIFY_UNCHECKED);
    assert_int_equal(verify(&proven, proven.leaf, NULL, "quorum none\n", &report),
                     SLUIS_VERIFY_UNCHECKED);
    assert_non_null(strstr(report.problem, "no log"));
    assert_int_equal(verify(&proven, proven.leaf, the_log.vkey_text, "\nquorum\n", &report),
                     SLUIS_VERIFY_UNCHECKED);
    assert_non_null(strstr(report.problem, "line 2"));
    assert_int_equal(verify(&proven, proven.leaf, the_log.vkey_text, "quorum none\n", &report),
                     SLUIS_VERIFY_VALID);
}

static void a_proof_that_others_signed_or_witnessed_too_little_is_invalid(void **state)
{
    (void)state;
    struct proven proven;
    struct sluis_proof_report report;
    struct signing absent;
    char policy[1024];
    prove(&proven, 3, "");
    assert_int_equal(verify(&proven, proven.leaf, other_log.vkey_text, NULL, &report),
                     SLUIS_VERIFY_INVALID);
    signing_init(&absent, "absent.example", VKEY_COSIGNATURE, 2);
    snprintf(policy, sizeof policy,
             "log %s\nwitness w %s\nwitness a %s\ngroup g all w a\nquorum g\n", the_log.vkey_text,
             witness.vkey_text, absent.vkey_text);
    assert_int_equal(verify(&proven, proven.leaf, NULL, policy, &report), SLUIS_VERIFY_INVALID);
    assert_non_null(strstr(report.problem, "witnesses"));
    assert_int_equal(report.size, 0); /* nothing is told of what does not hold */
}

static void no_flipped_bit_or_cut_proof_holds(void **state)
{
    (void)state;
    struct proven proven;
    struct sluis_proof_report report;
    char policy[1024];
    snprintf(policy, sizeof policy, "log %s\nwitness w %s\nquorum w\n", the_log.vkey_text,
             witness.vkey_text);
    prove(&proven, 6, "");
    for (size_t bit = 0; bit < proven.n * 8; bit++) {
        proven.text[bit / 8] = (char)(proven.text[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(verify(&proven, proven.leaf, NULL, policy, &report), SLUIS_VERIFY_INVALID);
        proven.text[bit / 8] = (char)(proven.text[bit / 8] ^ (1 << bit % 8));
    }
    size_t whole = proven.n;
    for (proven.n = 0; proven.n < whole; proven.n++)
        assert_int_equal(verify(&proven, proven.leaf, NULL, policy, &report), SLUIS_VERIFY_INVALID);
    assert_int_equal(verify(&proven, proven.leaf, NULL, policy, &report), SLUIS_VERIFY_VALID);
}

static void checkpoints_are_consistent_or_not_without_an_allocation(void **state)
{
    (void)state;
    static struct proof_catch caught;
    const struct sluis_trust trust = {.vkey = the_log.vkey_text};
    struct sluis_proof_report report;
    for (uint64_t old_size = 1; old_size <= N_LEAVES; old_size++) {
        char old_block[4096], new_block[4096];
        struct proof proof;
        proof_catch_size(&caught, old_size);
        catch_all(&caught, N_LEAVES);
        struct slice old_note = note_over(&caught.old_tree, false, "", old_block);
        struct slice new_note = note_over(&caught.tree, false, "", new_block);
        assert_int_equal(
            proof_consistency_make(proof_catch_source(&caught), old_size, N_LEAVES, &proof), SL_OK);
        const uint8_t(*hashes)[32] = (const uint8_t(*)[32])proof.hashes;
        n_allocations = 0;
        assert_int_equal(sluis_verify_consistency(old_note.p, old_note.n, new_note.p, new_note.n,
                                                  hashes, proof.n_hashes, &trust, &report),
                         SLUIS_VERIFY_VALID);
        assert_int_equal(n_allocations, 0);
        assert_int_equal(report.old_size, old_size);
        assert_int_equal(report.size, N_LEAVES);
        assert_int_equal(sluis_verify_consistency(old_note.p, old_note.n, new_note.p, new_note.n,
                                                  hashes, proof.n_hashes + 1, &trust, &report),
                         SLUIS_VERIFY_INVALID);
        assert_int_equal(sluis_verify_consistency(old_note.p, old_note.n, new_note.p, new_note.n,
                                                  hashes, 1000, &trust, &report),
                         SLUIS_VERIFY_INVALID);
        if (old_size < N_LEAVES)
            assert_int_equal(sluis_verify_consistency(new_note.p, new_note.n, old_note.p,
                                                      old_note.n, hashes, proof.n_hashes, &trust,
                                                      &report),
                             SLUIS_VERIFY_INVALID);
    }
}

static void an_empty_tree_is_a_checkpoint_but_proves_no_growth(void **state)
{
    (void)state;
    static struct proof_catch caught;
    char old_block[4096], new_block[4096];
    const struct sluis_trust trust = {.vkey = the_log.vkey_text};
    struct sluis_proof_report report;
    proof_catch_leaf(&caught, 0);
    struct slice old_note = note_over(&caught.tree, false, "", old_block);
    catch_all(&caught, 3);
    struct slice new_note = note_over(&caught.tree, false, "", new_block);
    assert_int_equal(sluis_verify_checkpoint(old_note.p, old_note.n, &trust, &report),
                     SLUIS_VERIFY_VALID);
    assert_int_equal(report.size, 0);
    assert_int_equal(sluis_verify_consistency(old_note.p, old_note.n, new_note.p, new_note.n, NULL,
                                              0, &trust, &report),
                     SLUIS_VERIFY_INVALID);
    assert_non_null(strstr(report.problem, "empty"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_again),
        cmocka_unit_test(anything_else_is_not_a_proof),
        cmocka_unit_test(a_proof_has_limits),
        cmocka_unit_test(growth_is_the_body_that_a_witness_is_sent),
        cmocka_unit_test(each_receipt_is_proven_without_an_allocation),
        cmocka_unit_test(extension_lines_of_others_are_accepted),
        cmocka_unit_test(keys_and_policies_that_cannot_be_used_leave_it_unchecked),
        cmocka_unit_test(a_proof_that_others_signed_or_witnessed_too_little_is_invalid),
        cmocka_unit_test(no_flipped_bit_or_cut_proof_holds),
        cmocka_unit_test(checkpoints_are_consistent_or_not_without_an_allocation),
        cmocka_unit_test(an_empty_tree_is_a_checkpoint_but_proves_no_growth),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
