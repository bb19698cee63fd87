/*
 * The memory of one loaded document.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pool.h"

#include <string.h>

static int n_callocs_to_fail;

void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);

void *__wrap_calloc(size_t n, size_t bytes)
{
    if (n_callocs_to_fail > 0) {
        n_callocs_to_fail--;
        return NULL;
    }
    return __real_calloc(n, bytes);
}

static void allocations_are_zeroed_aligned_and_stay(void **state)
{
    (void)state;
    struct pool pool = {0};
    uint8_t *blocks[2000];
    for (size_t i = 0; i < 2000; i++) {
        size_t n = i % 97 + 1;
        blocks[i] = pool_alloc(&pool, n);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], (int)(i % 251), n);
    }
    for (size_t i = 0; i < 2000; i++)
        for (size_t k = 0; k < i % 97 + 1; k++)
            assert_int_equal(blocks[i][k], i % 251);
    assert_false(pool.failed);
    pool_deinit(&pool);
}

static void one_allocation_may_be_larger_than_a_chunk(void **state)
{
    (void)state;
    struct pool pool = {0};
    uint8_t *small = pool_alloc(&pool, 10);
    uint8_t *large = pool_alloc(&pool, 1000000);
    assert_non_null(small);
    assert_non_null(large);
    memset(large, 1, 1000000);
    assert_int_equal(small[9], 0);
    pool_deinit(&pool);
}

static void an_array_whose_size_overflows_is_refused(void **state)
{
    (void)state;
    struct pool pool = {0};
    assert_null(pool_array(&pool, SIZE_MAX / 2, 4));
    assert_true(pool.failed);
    pool_deinit(&pool);
    pool = (struct pool){0};
    assert_null(pool_alloc(&pool, SIZE_MAX));
    assert_true(pool.failed);
    pool = (struct pool){0};
    assert_non_null(pool_array(&pool, 3, 40));
    assert_non_null(pool_array(&pool, 7, 0));
    assert_false(pool.failed);
    pool_deinit(&pool);
}

static void copies_end_with_a_zero_that_is_not_counted(void **state)
{
    (void)state;
    struct pool pool = {0};
    struct slice copy = pool_copy(&pool, slice_of("wazeXX", 4));
    assert_int_equal(copy.n, 4);
    assert_memory_equal(copy.p, "waze", 5);
    copy = pool_copy(&pool, (struct slice){NULL, 0});
    assert_int_equal(copy.n, 0);
    assert_int_equal(copy.p[0], 0);
    pool_deinit(&pool);
}

static void without_memory_it_fails_and_says_so_at_the_end(void **state)
{
    (void)state;
    struct pool pool = {0};
    n_callocs_to_fail = 1;
    assert_null(pool_copy(&pool, slice_of_str("x")).p);
    assert_true(pool.failed);
    assert_non_null(pool_alloc(&pool, 1));
    assert_true(pool.failed);
    pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_zeroed_aligned_and_stay),
        cmocka_unit_test(one_allocation_may_be_larger_than_a_chunk),
        cmocka_unit_test(an_array_whose_size_overflows_is_refused),
        cmocka_unit_test(copies_end_with_a_zero_that_is_not_counted),
        cmocka_unit_test(without_memory_it_fails_and_says_so_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
