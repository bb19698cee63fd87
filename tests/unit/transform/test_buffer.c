/* A buffer grows to its cap and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/buffer.h"

#include "base/err.h"

static void it_grows_to_its_cap_and_not_beyond(void **state)
{
    (void)state;
    struct buffer buffer;
    assert_true(buffer_init(&buffer, 16, 100));
    for (uint8_t i = 0; i < 100; i++)
        assert_true(buffer_append(&buffer, slice_of(&i, 1)));
    assert_false(buffer_append(&buffer, slice_of("x", 1)));
    assert_int_equal(buffer.n, 100);
    for (uint8_t i = 0; i < 100; i++)
        assert_int_equal(buffer.p[i], i);
    assert_true(buffer_append(&buffer, slice_of(NULL, 0)));
    buffer_deinit(&buffer);
}

static void what_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    struct buffer buffer;
    assert_true(buffer_init(&buffer, 8, 20));
    assert_true(buffer_append(&buffer, slice_of("0123456789", 10)));
    assert_false(buffer_append(&buffer, slice_of("0123456789a", 11)));
    assert_false(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(slice_equals(slice_of(buffer.p, buffer.n), slice_of("0123456789", 10)));
    assert_true(buffer_append(&buffer, slice_of("0123456789", 10)));
    buffer_deinit(&buffer);
}

static void a_start_beyond_the_cap_is_the_cap(void **state)
{
    (void)state;
    struct buffer buffer;
    assert_true(buffer_init(&buffer, 100, 10));
    assert_false(buffer_reserve(&buffer, 11));
    assert_true(buffer_reserve(&buffer, 10));
    buffer_deinit(&buffer);
}

static void wiping_overwrites_all_that_was_ever_written(void **state)
{
    (void)state;
    struct buffer buffer;
    assert_true(buffer_init(&buffer, 64, 64));
    memset(buffer.p, 'u', 64);
    assert_true(buffer_append(&buffer, slice_of("secretsecretsecret", 18)));
    buffer_cut(&buffer, 3);
    assert_true(buffer_append(&buffer, slice_of("x", 1)));
    buffer_wipe(&buffer);
    assert_int_equal(buffer.n, 0);
    for (size_t i = 0; i < 18; i++)
        assert_int_equal(buffer.p[i], 0);
    assert_int_equal(buffer.p[18], 'u');
    buffer_deinit(&buffer);
}

static void wiping_gives_a_large_block_back_and_keeps_a_small_one(void **state)
{
    (void)state;
    struct buffer buffer;
    assert_true(buffer_init(&buffer, 16, 4096));
    assert_true(buffer_reserve(&buffer, 256));
    buffer_wipe(&buffer);
    assert_int_equal(buffer.cap, 256);
    assert_true(buffer_reserve(&buffer, 512));
    buffer_wipe(&buffer);
    assert_int_equal(buffer.cap, 16);
    assert_true(buffer_append(&buffer, slice_of("0123456789abcdef0", 17)));
    assert_int_equal(buffer.n, 17);
    buffer_deinit(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_to_its_cap_and_not_beyond),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(a_start_beyond_the_cap_is_the_cap),
        cmocka_unit_test(wiping_overwrites_all_that_was_ever_written),
        cmocka_unit_test(wiping_gives_a_large_block_back_and_keeps_a_small_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
