/*
 * test_cosignature.c - what witnesses sign, and the keys they sign with
 *
 * The message, its time and the signature line are the example of the C2SP tlog-cosignature
 * specification; its key is not published, so signatures are checked with keys of our own, and by
 * the openssl program in tests/cli/test_audit_proofs.py. The witness's vkey is one that
 * github.com/transparency-dev/formats publishes.
 */
#include "ledger/cosignature.h"

#include "base/base64.h"
#include "ledger/note_lines.h"
#include "signing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

static void the_message_is_that_of_the_specification(void **state)
{
    (void)state;
    uint8_t block[COSIGNATURE_MESSAGE_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_cosignature_message(&writer, 1679315147, slice_of_str(TEXT));
    assert_true(slice_equals_str(writer_slice(&writer), "cosignature/v1\ntime 1679315147\n" TEXT));
}

static void the_published_line_has_its_time_before_its_signature(void **state)
{
    (void)state;
    static const char note[] =
        TEXT "\n\xe2\x80\x94 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolM"
             "I5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    struct note_lines lines;
    struct note_line line;
    assert_true(note_lines_open(slice_of_str(note), &lines));
    assert_int_equal(note_lines_next(&lines, &line), NOTE_LINE);
    assert_int_equal(line.signature_n, COSIGNATURE_BYTES);
    static const uint8_t time[8] = {0, 0, 0, 0, 0x64, 0x18, 0x50, 0xcb}; /* 1679315147 */
    assert_memory_equal(line.signature, time, sizeof time);
    assert_int_equal(note_lines_next(&lines, &line), NOTE_LINES_END);
}

static void published_keys_of_both_types_are_keys(void **state)
{
    (void)state;
    static const char witness[] =
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    static const char log[] =
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    struct vkey vkey;
    assert_int_equal(vkey_parse(slice_of_str(witness), &vkey), SL_OK);
    assert_int_equal(vkey.type, VKEY_COSIGNATURE);
    assert_true(slice_equals_str(vkey.name, "remora.n621.de"));
    char again[128];
    struct writer writer = writer_over(again, sizeof again);
    vkey_write(&writer, vkey.name, vkey.type, vkey.key);
    assert_true(slice_equals_str(writer_slice(&writer), witness));
    assert_int_equal(vkey_parse(slice_of_str(log), &vkey), SL_OK);
    assert_int_equal(vkey.type, VKEY_ED25519);
    /* The type is part of the id. */
    struct note_verifier *untouched = NULL;
    assert_int_equal(note_verifier_new(slice_of_str(witness), &untouched), SL_EMALFORMED);
    assert_null(untouched);
    static const char *const wrong[] = {
        "remora.n621.de+da77ade7+BevN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "remora.n621.de+da77ade7+AevN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "remora.n621.de+da77ade8+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "remora.n621.df+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "remora.n621.de+DA77ADE7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2\n",
        "remora.n621.de+da77ade7",
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++)
        assert_int_equal(vkey_parse(slice_of_str(wrong[i]), &vkey), SL_EMALFORMED);
}

struct cosigned {
    struct signing witness;
    uint8_t bytes[COSIGNATURE_BYTES];
};

static void cosign(struct cosigned *cosigned, uint64_t time_s, struct slice text)
{
    uint8_t message[COSIGNATURE_MESSAGE_BYTES_MAX], signature[NOTE_SIGNATURE_BYTES];
    struct writer writer = writer_over(message, sizeof message);
    signing_init(&cosigned->witness, "witness.example/w1", VKEY_COSIGNATURE, 7);
    write_cosignature_message(&writer, time_s, text);
    signing_sign(&cosigned->witness, writer_slice(&writer), signature);
    writer = writer_over(cosigned->bytes, sizeof cosigned->bytes);
    write_cosignature(&writer, time_s, signature);
    assert_int_equal(writer.n, COSIGNATURE_BYTES);
}

static bool holds(const struct cosigned *cosigned, const char *text, size_t n, uint64_t *time_s)
{
    return cosignature_verify(&cosigned->witness.vkey, slice_of_str(text),
                              slice_of(cosigned->bytes, n), time_s);
}

static void a_cosignature_holds_and_no_flipped_bit_does(void **state)
{
    (void)state;
    struct cosigned cosigned;
    uint64_t time_s = 0;
    cosign(&cosigned, 1679315147, slice_of_str(TEXT));
    assert_true(holds(&cosigned, TEXT, COSIGNATURE_BYTES, &time_s));
    assert_int_equal(time_s, 1679315147);
    time_s = 77;
    for (size_t bit = 0; bit < COSIGNATURE_BYTES * 8; bit++) {
        cosigned.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(holds(&cosigned, TEXT, COSIGNATURE_BYTES, &time_s));
        cosigned.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    char text[] = TEXT;
    for (size_t bit = 0; bit < (sizeof text - 1) * 8; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        if (text[bit / 8]) /* else it is a shorter text, and read as one */
            assert_false(holds(&cosigned, text, COSIGNATURE_BYTES, &time_s));
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t n = 0; n < COSIGNATURE_BYTES; n++)
        assert_false(holds(&cosigned, TEXT, n, &time_s));
    assert_int_equal(time_s, 77);
}

static void a_logs_signature_is_no_cosignature(void **state)
{
    (void)state;
    struct cosigned cosigned;
    uint8_t signature[NOTE_SIGNATURE_BYTES];
    uint64_t time_s;
    cosign(&cosigned, 5, slice_of_str(TEXT));
    signing_sign(&cosigned.witness, slice_of_str(TEXT), signature);
    struct writer writer = writer_over(cosigned.bytes, sizeof cosigned.bytes);
    write_cosignature(&writer, 5, signature);
    assert_false(holds(&cosigned, TEXT, COSIGNATURE_BYTES, &time_s));
}

static void times_go_to_the_largest_positive_number(void **state)
{
    (void)state;
    static const uint64_t times[] = {0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < SL_LENGTH(times); i++) {
        struct cosigned cosigned;
        uint64_t time_s;
        cosign(&cosigned, times[i], slice_of_str(TEXT));
        assert_int_equal(holds(&cosigned, TEXT, COSIGNATURE_BYTES, &time_s), times[i] <= INT64_MAX);
    }
}

static void the_longest_text_can_be_cosigned_and_no_longer_one(void **state)
{
    (void)state;
    static uint8_t text[COSIGNATURE_TEXT_BYTES_MAX + 64];
    memset(text, 'x', sizeof text);
    for (size_t n = COSIGNATURE_TEXT_BYTES_MAX; n <= COSIGNATURE_TEXT_BYTES_MAX + 30; n += 30) {
        struct cosigned cosigned;
        uint64_t time_s;
        cosign(&cosigned, INT64_MAX, slice_of(text, COSIGNATURE_TEXT_BYTES_MAX));
        assert_int_equal(cosignature_verify(&cosigned.witness.vkey, slice_of(text, n),
                                            slice_of(cosigned.bytes, COSIGNATURE_BYTES), &time_s),
                         n == COSIGNATURE_TEXT_BYTES_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_is_that_of_the_specification),
        cmocka_unit_test(the_published_line_has_its_time_before_its_signature),
        cmocka_unit_test(published_keys_of_both_types_are_keys),
        cmocka_unit_test(a_cosignature_holds_and_no_flipped_bit_does),
        cmocka_unit_test(a_logs_signature_is_no_cosignature),
        cmocka_unit_test(times_go_to_the_largest_positive_number),
        cmocka_unit_test(the_longest_text_can_be_cosigned_and_no_longer_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
