/*
 * test_tag_set.c - a set of tags
 */
#include "ledger/tag_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* All of them want the last slots, so that the search wraps around. */
static void make_tag(uint32_t i, uint8_t tag[LEAF_TAG_BYTES])
{
    memset(tag, 0xff, LEAF_TAG_BYTES);
    memcpy(tag + 4, &i, sizeof i);
}

static void it_holds_what_was_added_and_nothing_else(void **state)
{
    (void)state;
    struct tag_set set = {0};
    uint8_t tag[LEAF_TAG_BYTES];
    assert_int_equal(tag_set_init(&set, 256), SL_OK);
    for (uint32_t i = 0; i < 256; i++) {
        assert_false(tag_set_is_full(&set));
        make_tag(i, tag);
        assert_false(tag_set_has(&set, tag));
        tag_set_add(&set, tag);
        if (!tag_set_is_full(&set))
            tag_set_add(&set, tag); /* the second time changes nothing */
        assert_int_equal(set.n_tags, i + 1);
    }
    assert_true(tag_set_is_full(&set));
    for (uint32_t i = 0; i < 512; i++) {
        make_tag(i, tag);
        assert_int_equal(tag_set_has(&set, tag), i < 256);
    }
    tag_set_clear(&set);
    make_tag(0, tag);
    assert_false(tag_set_has(&set, tag));
    assert_false(tag_set_is_full(&set));
    tag_set_deinit(&set);
    tag_set_deinit(&set); /* of an empty one: nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_what_was_added_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
