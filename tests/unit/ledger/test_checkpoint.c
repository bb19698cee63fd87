/*
 * test_checkpoint.c - the text that is signed
 */
#include "ledger/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* 32 bytes of 0xab. */
#define ROOT "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="

static void a_checkpoint_is_three_lines(void **state)
{
    (void)state;
    uint8_t block[CHECKPOINT_TEXT_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    struct checkpoint checkpoint = {SLICE_LITERAL("sluis.example/ledger"), 17, {0}}, found;
    memset(checkpoint.root, 0xab, sizeof checkpoint.root);
    write_checkpoint(&writer, &checkpoint);
    assert_true(slice_equals_str(writer_slice(&writer), "sluis.example/ledger\n17\n" ROOT "\n"));
    assert_int_equal(checkpoint_parse(writer_slice(&writer), &found), SL_OK);
    assert_true(slice_equals(found.origin, checkpoint.origin));
    assert_int_equal(found.size, 17);
    assert_memory_equal(found.root, checkpoint.root, sizeof found.root);
}

static void the_longest_checkpoint_fits_its_block(void **state)
{
    (void)state;
    uint8_t block[CHECKPOINT_TEXT_BYTES_MAX];
    char origin[NOTE_NAME_BYTES_MAX];
    memset(origin, 'o', sizeof origin);
    struct writer writer = writer_over(block, sizeof block);
    const struct checkpoint checkpoint = {slice_of(origin, sizeof origin), UINT64_MAX, {0}};
    write_checkpoint(&writer, &checkpoint);
    assert_false(writer.overflow);
    assert_int_equal(writer.n, sizeof block);
}

static void anything_else_is_not_a_checkpoint(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "o\n",
        "o\n1\n",
        "o\n1\n" ROOT,
        "\n1\n" ROOT "\n",
        "o\n01\n" ROOT "\n",
        "o\n-1\n" ROOT "\n",
        "o\n+1\n" ROOT "\n",
        "o\n 1\n" ROOT "\n",
        "o\n18446744073709551616\n" ROOT "\n",
        "o\n1\n" ROOT "\nextension\n",
        "o\n1\n" ROOT " \n",
        "o\n1\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6t=\n", /* stray bits */
        "o\n1\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n",
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        struct checkpoint untouched = {.size = 99};
        assert_int_equal(checkpoint_parse(slice_of_str(wrong[i]), &untouched), SL_EMALFORMED);
        assert_int_equal(untouched.size, 99);
    }
    struct checkpoint largest;
    assert_int_equal(
        checkpoint_parse(slice_of_str("o\n18446744073709551615\n" ROOT "\n"), &largest), SL_OK);
    assert_true(largest.size == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_is_three_lines),
        cmocka_unit_test(the_longest_checkpoint_fits_its_block),
        cmocka_unit_test(anything_else_is_not_a_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
