/*
 * Hashes and MACs against published vectors and OpenSSL's own interface.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

static void assert_digest(const uint8_t digest[SHA256_BYTES], const char *hex)
{
    uint8_t expected[SHA256_BYTES];
    assert_true(hex_decode(slice_of_str(hex), expected, sizeof expected));
    assert_memory_equal(digest, expected, SHA256_BYTES);
}

/* FIPS 180-4's examples as published by NIST. */
static void hashes_are_those_of_the_standard(void **state)
{
    (void)state;
    uint8_t digest[SHA256_BYTES];
    sha256_of((struct slice){NULL, 0}, digest);
    assert_digest(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_of(slice_of_str("abc"), digest);
    assert_digest(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_of(slice_of_str("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), digest);
    assert_digest(digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void a_million_letters_hash_in_pieces(void **state)
{
    (void)state;
    char letters[1000];
    memset(letters, 'a', sizeof letters);
    struct sha256 hash;
    sha256_begin(&hash);
    for (int i = 0; i < 1000; i++)
        sha256_add(&hash, slice_of(letters, sizeof letters));
    uint8_t digest[SHA256_BYTES];
    sha256_end(&hash, digest);
    assert_digest(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void a_copied_state_goes_its_own_way(void **state)
{
    (void)state;
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, slice_of_str("ab"));
    struct sha256 copy = hash;
    sha256_add(&hash, slice_of_str("x"));
    sha256_add(&copy, slice_of_str("c"));
    uint8_t digest[SHA256_BYTES];
    sha256_end(&copy, digest);
    assert_digest(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void mac_of(struct slice secret, struct slice text, uint8_t mac[SHA256_BYTES])
{
    struct hmac_key key;
    struct sha256 hash;
    hmac_key_init(&key, secret);
    hmac_begin(&key, &hash);
    sha256_add(&hash, text);
    hmac_end(&key, &hash, mac);
}

/* RFC 4231 sections 4.2, 4.3 and 4.7 (a key longer than a block). */
static void macs_are_those_of_the_rfc(void **state)
{
    (void)state;
    uint8_t mac[SHA256_BYTES];
    uint8_t long_key[131];
    memset(long_key, 0x0b, 20);
    mac_of(slice_of(long_key, 20), slice_of_str("Hi There"), mac);
    assert_digest(mac, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    mac_of(slice_of_str("Jefe"), slice_of_str("what do ya want for nothing?"), mac);
    assert_digest(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xaa, sizeof long_key);
    mac_of(slice_of(long_key, sizeof long_key),
           slice_of_str("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
    assert_digest(mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void random_texts_and_keys_agree_with_the_library(void **state)
{
    (void)state;
    unsigned seed = 20261123;
    for (int round = 0; round < 500; round++) {
        uint8_t text[300];
        uint8_t key[100];
        size_t n_text = (size_t)rand_r(&seed) % sizeof text;
        size_t n_key = (size_t)rand_r(&seed) % sizeof key;
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)rand_r(&seed);
        memcpy(key, text + 150, sizeof key);

        uint8_t digest[SHA256_BYTES];
        uint8_t expected[SHA256_BYTES];
        size_t n_first = n_text > 0 ? (size_t)rand_r(&seed) % n_text : 0;
        struct sha256 hash;
        sha256_begin(&hash);
        sha256_add(&hash, slice_of(text, n_first));
        sha256_add(&hash, slice_of(text + n_first, n_text - n_first));
        sha256_end(&hash, digest);
        assert_int_equal(EVP_Digest(text, n_text, expected, NULL, EVP_sha256(), NULL), 1);
        assert_memory_equal(digest, expected, SHA256_BYTES);

        mac_of(slice_of(key, n_key), slice_of(text, n_text), digest);
        assert_non_null(HMAC(EVP_sha256(), key, (int)n_key, text, n_text, expected, NULL));
        assert_memory_equal(digest, expected, SHA256_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_the_standard),
        cmocka_unit_test(a_million_letters_hash_in_pieces),
        cmocka_unit_test(a_copied_state_goes_its_own_way),
        cmocka_unit_test(macs_are_those_of_the_rfc),
        cmocka_unit_test(random_texts_and_keys_agree_with_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
