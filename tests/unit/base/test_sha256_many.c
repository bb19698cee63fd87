/*
 * test_sha256_many.c - many hashes at once, by the instructions and without, against one by one
 */
#include "base/sha256_many.h"

#include "base/base64.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

/* The same file again, as a processor without the instructions sees it. */
#pragma push_macro("__x86_64__")
#undef __x86_64__
#define sha256_of_many portable_sha256_of_many
void portable_sha256_of_many(uint8_t prefix, const struct slice *messages, size_t n_messages,
                             uint8_t (*hashes)[SHA256_BYTES]);
#include "base/sha256_many.c"
#undef sha256_of_many
#pragma pop_macro("__x86_64__")

enum { MESSAGES_MAX = 40, MESSAGE_BYTES_MAX = 1200 };

/* OpenSSL's own interface: it shares no code with either way. */
static void assert_hashes(uint8_t prefix, const struct slice *messages, size_t n)
{
    uint8_t hashes[MESSAGES_MAX][SHA256_BYTES], portable[MESSAGES_MAX][SHA256_BYTES];
    sha256_of_many(prefix, messages, n, hashes);
    portable_sha256_of_many(prefix, messages, n, portable);
    for (size_t i = 0; i < n; i++) {
        uint8_t whole[1 + MESSAGE_BYTES_MAX] = {prefix}, expected[SHA256_BYTES];
        if (messages[i].n > 0)
            memcpy(whole + 1, messages[i].p, messages[i].n);
        assert_int_equal(EVP_Digest(whole, 1 + messages[i].n, expected, NULL, EVP_sha256(), NULL),
                         1);
        assert_memory_equal(hashes[i], expected, SHA256_BYTES);
        assert_memory_equal(portable[i], expected, SHA256_BYTES);
    }
}

/* FIPS 180-4's examples, with their first letter as the prefix. */
static void hashes_are_those_of_the_standard(void **state)
{
    (void)state;
    const struct slice messages[] = {
        SLICE_LITERAL("bc"),
        SLICE_LITERAL("bcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
        SLICE_LITERAL("bcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                      "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
    };
    static const char *const expected[] = {
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    };
    uint8_t hashes[3][SHA256_BYTES], portable[3][SHA256_BYTES], bytes[SHA256_BYTES];
    sha256_of_many('a', messages, SL_LENGTH(messages), hashes);
    portable_sha256_of_many('a', messages, SL_LENGTH(messages), portable);
    for (size_t i = 0; i < SL_LENGTH(messages); i++) {
        assert_true(hex_decode(slice_of_str(expected[i]), bytes, sizeof bytes));
        assert_memory_equal(hashes[i], bytes, sizeof bytes);
        assert_memory_equal(portable[i], bytes, sizeof bytes);
    }
}

/* Each length around the borders of blocks and of the padding, alone and beside others. */
static void every_length_is_hashed_whole(void **state)
{
    (void)state;
    uint8_t bytes[MESSAGE_BYTES_MAX];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31 + 7);
    for (size_t n = 0; n <= 4 * 64 + 1; n++) {
        struct slice messages[5];
        for (size_t i = 0; i < SL_LENGTH(messages); i++)
            messages[i] = slice_of(bytes + i, n);
        for (size_t n_messages = 0; n_messages <= SL_LENGTH(messages); n_messages++)
            assert_hashes((uint8_t)n, messages, n_messages);
    }
    const struct slice nothing[3] = {{NULL, 0}, {bytes, 0}, {NULL, 0}};
    assert_hashes(0, nothing, SL_LENGTH(nothing));
}

/* Lanes that finish at different times take different messages next. */
static void messages_of_different_lengths_do_not_mix(void **state)
{
    (void)state;
    unsigned seed = 20261123;
    static uint8_t bytes[MESSAGES_MAX * MESSAGE_BYTES_MAX];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)rand_r(&seed);
    for (int round = 0; round < 300; round++) {
        struct slice messages[MESSAGES_MAX];
        size_t n = (size_t)rand_r(&seed) % (MESSAGES_MAX + 1);
        for (size_t i = 0; i < n; i++) {
            size_t n_bytes = (size_t)rand_r(&seed) % (MESSAGE_BYTES_MAX + 1);
            size_t at = (size_t)rand_r(&seed) % (sizeof bytes - n_bytes + 1);
            messages[i] = slice_of(bytes + at, n_bytes);
        }
        assert_hashes((uint8_t)rand_r(&seed), messages, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_the_standard),
        cmocka_unit_test(every_length_is_hashed_whole),
        cmocka_unit_test(messages_of_different_lengths_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
