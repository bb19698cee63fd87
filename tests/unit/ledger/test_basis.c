/*
 * test_basis.c - the digest of a decision's ground
 */
#include "base/writer.h"
#include "ledger/basis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t policy_digest[SHA256_BYTES] = "the digest of a policy, 32 byte";

static void it_is_the_hash_of_what_the_specification_says(void **state)
{
    (void)state;
    static const struct slice ids[] = {SLICE_LITERAL("drive-playlists"), SLICE_LITERAL("run")};
    uint8_t text[128], expected[SHA256_BYTES], found[SHA256_BYTES];
    struct writer writer = writer_over(text, sizeof text);
    write_str(&writer, "sluis basis v1\n");
    write_bytes(&writer, slice_of("\x01\x02\x03\x04\x05\x06\x07\x08", 8));
    write_bytes(&writer, slice_of(policy_digest, sizeof policy_digest));
    write_str(&writer, "drive-playlists\nrun\n");
    sha256_of(writer_slice(&writer), expected);
    basis_digest(0x0102030405060708, policy_digest, ids, 2, found);
    assert_memory_equal(found, expected, sizeof found);
}

static void version_digest_ids_and_their_order_all_count(void **state)
{
    (void)state;
    static const struct slice ab_c[] = {SLICE_LITERAL("ab"), SLICE_LITERAL("c")};
    static const struct slice a_bc[] = {SLICE_LITERAL("a"), SLICE_LITERAL("bc")};
    static const struct slice c_ab[] = {SLICE_LITERAL("c"), SLICE_LITERAL("ab")};
    static const uint8_t zeros[SHA256_BYTES];
    uint8_t digests[6][SHA256_BYTES];
    basis_digest(1, policy_digest, ab_c, 2, digests[0]);
    basis_digest(2, policy_digest, ab_c, 2, digests[1]);
    basis_digest(1, zeros, ab_c, 2, digests[2]);
    basis_digest(1, policy_digest, a_bc, 2, digests[3]);
    basis_digest(1, policy_digest, c_ab, 2, digests[4]);
    basis_digest(1, policy_digest, NULL, 0, digests[5]);
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(digests[i], digests[j], SHA256_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_hash_of_what_the_specification_says),
        cmocka_unit_test(version_digest_ids_and_their_order_all_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
