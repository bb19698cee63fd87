/*
 * The memory of one request: capped, aligned, wiped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

#include <string.h>

enum { BLOCK_BYTES = 256 };

struct fixture {
    _Alignas(16) uint8_t block[BLOCK_BYTES];
    struct arena arena;
};

static struct fixture *begin(void)
{
    static struct fixture fixture;
    memset(fixture.block, 0xaa, sizeof fixture.block);
    arena_init(&fixture.arena, fixture.block, BLOCK_BYTES);
    return &fixture;
}

static void allocations_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena *arena = &begin()->arena;
    uint8_t *first = arena_alloc(arena, 1);
    uint8_t *second = arena_alloc(arena, 17);
    uint8_t *third = arena_alloc(arena, 1);
    assert_int_equal((uintptr_t)first % 16, 0);
    assert_ptr_equal(second, first + 16);
    assert_ptr_equal(third, second + 32);
}

static void exactly_the_cap_fits_and_one_more_does_not(void **state)
{
    (void)state;
    struct arena *arena = &begin()->arena;
    assert_non_null(arena_alloc(arena, BLOCK_BYTES));
    assert_false(arena->overflow);
    arena = &begin()->arena;
    assert_null(arena_alloc(arena, BLOCK_BYTES + 1));
    assert_true(arena->overflow);
    arena = &begin()->arena;
    assert_null(arena_alloc(arena, SIZE_MAX));
}

static void the_padding_before_an_allocation_counts(void **state)
{
    (void)state;
    struct arena *arena = &begin()->arena;
    assert_non_null(arena_alloc(arena, BLOCK_BYTES - 31));
    assert_non_null(arena_alloc(arena, 16));
    assert_null(arena_alloc(arena, 1));
    arena = &begin()->arena;
    assert_non_null(arena_alloc(arena, BLOCK_BYTES - 1));
    assert_null(arena_alloc(arena, 1));
}

static void overflow_sticks_until_reset(void **state)
{
    (void)state;
    struct arena *arena = &begin()->arena;
    assert_null(arena_alloc(arena, BLOCK_BYTES + 1));
    assert_null(arena_alloc(arena, 1));
    struct slice copy = arena_copy(arena, slice_of_str("x"));
    assert_true(copy.p == NULL && copy.n == 0);
    arena_reset(arena);
    assert_false(arena->overflow);
    assert_non_null(arena_alloc(arena, BLOCK_BYTES));
}

static void copies_outlive_their_source(void **state)
{
    (void)state;
    struct arena *arena = &begin()->arena;
    char text[] = "lotte";
    struct slice copy = arena_copy(arena, slice_of_str(text));
    memset(text, 0, sizeof text);
    assert_true(slice_equals_str(copy, "lotte"));
    assert_int_equal(arena_copy(arena, (struct slice){NULL, 0}).n, 0);
    assert_false(arena->overflow);
}

static void reset_wipes_what_was_used_and_only_that(void **state)
{
    (void)state;
    struct fixture *fixture = begin();
    memset(arena_alloc(&fixture->arena, 100), 's', 100);
    arena_reset(&fixture->arena);
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        assert_int_equal(fixture->block[i], i < 100 ? 0 : 0xaa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_aligned_and_apart),
        cmocka_unit_test(exactly_the_cap_fits_and_one_more_does_not),
        cmocka_unit_test(the_padding_before_an_allocation_counts),
        cmocka_unit_test(overflow_sticks_until_reset),
        cmocka_unit_test(copies_outlive_their_source),
        cmocka_unit_test(reset_wipes_what_was_used_and_only_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
