/*
 * test_archive_manifest.c - one text for one manifest
 */
#include "ledger/archive_manifest.h"

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char vkey_text[] =
    "cli.example/1+2734420f+AVwjP06Htmr7SaQNfWfMZDxtav5ZlcuSn/RgeG96kKib";
#define NOTE(size)                                                                                 \
    "cli.example/1\n" size "\nf+ewMLMy5QRoJH6mYjRohL2G59MtGKKI0+plYJ9mkbs=\n\n"                    \
    "\xe2\x80\x94 cli.example/1 "                                                                  \
    "BtMPoxvT8BOZ8FfODOrLj0kWnt1Qlw7AedeFv83w5RpBTnBdLxxzYiBtwg+dd6qw0SeCDPLzQOi4G4m0dsqGAY6eZQw=" \
    "\n"
#define HASH "f+ewMLMy5QRoJH6mYjRohL2G59MtGKKI0+plYJ9mkbs="
#define KEY  "key cli.example/1+2734420f+AVwjP06Htmr7SaQNfWfMZDxtav5ZlcuSn/RgeG96kKib\n"
#define HEAD "sluis archive 1\norigin cli.example/1\n"
#define FULL                                                                                       \
    HEAD "segments 2\nreceipts 5\ntime 1795396800000\n" KEY "tree " HASH " " HASH "\n\n" NOTE("6")
#define EMPTY HEAD "segments 0\nreceipts 0\ntime -9223372036854775808\n" KEY "tree\n\n" NOTE("3")

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const char *const texts[] = {FULL, EMPTY};
    for (size_t i = 0; i < SL_LENGTH(texts); i++) {
        struct archive_manifest manifest;
        uint8_t block[ARCHIVE_MANIFEST_BYTES_MAX];
        assert_int_equal(archive_manifest_parse(slice_of_str(texts[i]), &manifest), SL_OK);
        struct writer writer = writer_over(block, sizeof block);
        archive_manifest_write(&manifest, &writer);
        assert_true(slice_equals_str(writer_slice(&writer), texts[i]));
    }
}

static void every_member_is_read(void **state)
{
    (void)state;
    struct archive_manifest manifest;
    struct vkey key;
    assert_int_equal(vkey_parse(slice_of_str(vkey_text), &key), SL_OK);
    assert_int_equal(archive_manifest_parse(slice_of_str(FULL), &manifest), SL_OK);
    assert_int_equal(manifest.n_segments, 2);
    assert_int_equal(manifest.state.tree.size, 5);
    assert_int_equal(manifest.state.newest_time_ms, 1795396800000);
    assert_memory_equal(manifest.state.key.key, key.key, sizeof key.key);
    assert_memory_equal(manifest.state.tree.subtree[0], manifest.state.tree.subtree[2],
                        SHA256_BYTES);
    assert_int_equal(manifest.newest.size, 6);
    assert_true(slice_equals_str(manifest.note, NOTE("6")));
    assert_int_equal(archive_manifest_parse(slice_of_str(EMPTY), &manifest), SL_OK);
    assert_int_equal(manifest.state.newest_time_ms, INT64_MIN);
}

static void whatever_is_not_that_text_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "sluis archive 2\norigin cli.example/1\n",
        /* An origin that is not the key's. */
        "sluis archive 1\norigin cli.example/2\nsegments 2\nreceipts 5\ntime 1795396800000\n" KEY
        "tree " HASH " " HASH "\n\n" NOTE("6"),
        /* Receipts without a segment, a segment without receipts, a time of none. */
        HEAD "segments 0\nreceipts 5\ntime 1795396800000\n" KEY "tree " HASH " " HASH
             "\n\n" NOTE("6"),
        HEAD "segments 1\nreceipts 0\ntime -9223372036854775808\n" KEY "tree\n\n" NOTE("3"),
        HEAD "segments 0\nreceipts 0\ntime 0\n" KEY "tree\n\n" NOTE("3"),
        HEAD "segments 2\nreceipts 5\ntime -9223372036854775808\n" KEY "tree " HASH " " HASH
             "\n\n" NOTE("6"),
        /* A tree of another size. */
        HEAD "segments 2\nreceipts 5\ntime 1795396800000\n" KEY "tree " HASH "\n\n" NOTE("6"),
        HEAD "segments 2\nreceipts 4\ntime 1795396800000\n" KEY "tree " HASH " " HASH
             "\n\n" NOTE("6"),
        /* A checkpoint that is behind, of nothing, of another origin, or none. */
        HEAD "segments 2\nreceipts 5\ntime 1795396800000\n" KEY "tree " HASH " " HASH
             "\n\n" NOTE("4"),
        HEAD "segments 0\nreceipts 0\ntime -9223372036854775808\n" KEY "tree\n\n" NOTE("0"),
        HEAD "segments 0\nreceipts 0\ntime -9223372036854775808\n" KEY "tree\n\n",
        EMPTY "\n",
        EMPTY "\xe2\x80\x94 other.example AAAAAAAA\n",
        /* Numbers, blanks and line ends in another way. */
        HEAD "segments 00\nreceipts 0\ntime -9223372036854775808\n" KEY "tree\n\n" NOTE("3"),
        HEAD "segments +0\nreceipts 0\ntime -9223372036854775808\n" KEY "tree\n\n" NOTE("3"),
        HEAD "segments 2\nreceipts 5\ntime -0\n" KEY "tree " HASH " " HASH "\n\n" NOTE("6"),
        HEAD "segments 2\nreceipts 5\ntime 9223372036854775808\n" KEY "tree " HASH " " HASH
             "\n\n" NOTE("6"),
        HEAD "segments 0\nreceipts 0\ntime -9223372036854775808\n" KEY "tree \n\n" NOTE("3"),
        HEAD "segments 0\nreceipts 0\ntime -9223372036854775808\n" KEY "tree\n" NOTE("3"),
        HEAD "segments 9223372036854775808\nreceipts 5\ntime 1\n" KEY "tree " HASH " " HASH
             "\n\n" NOTE("6"),
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        struct archive_manifest untouched = {.n_segments = 77};
        if (archive_manifest_parse(slice_of_str(wrong[i]), &untouched) != SL_EMALFORMED)
            fail_msg("accepted %zu: %s", i, wrong[i]);
        assert_int_equal(untouched.n_segments, 77);
    }
    /* Cut off anywhere. */
    for (size_t n = 0; n < sizeof FULL - 1; n++) {
        struct archive_manifest untouched;
        assert_int_equal(archive_manifest_parse(slice_of(FULL, n), &untouched), SL_EMALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(whatever_is_not_that_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
