/*
 * Forms and cookies are read strictly: what could be read in two ways is not read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/writer.h"
#include "edge/page/form.h"

#include <string.h>

static uint8_t room[256];

static bool parse(const char *body, struct form *form)
{
    return form_parse(slice_of_str(body), room, form);
}

static void names_and_values_are_decoded(void **state)
{
    (void)state;
    struct form form;
    assert_true(parse("csrf=A-_b&note=caf%C3%A9+%26+more&empty=&%63=d", &form));
    assert_int_equal(form.n, 4);
    assert_true(slice_equals_str(form_get(&form, "note"), "caf\xC3\xA9 & more"));
    assert_true(slice_equals_str(form_get(&form, "c"), "d"));
    assert_int_equal(form_get(&form, "empty").n, 0);
    assert_int_equal(form_get(&form, "absent").n, 0);
    assert_true(parse("", &form));
    assert_int_equal(form.n, 0);
}

static void what_is_no_form_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {"a=%",  "a=%4",  "a=%4g",    "a=%00", "=b",
                                         "&a=b", "a&&b",  "a=1&a=2",  "a=%ff", "a=%C3",
                                         "a&=",  "%00=a", "a=1&%61=2"};
    struct form form;
    for (size_t i = 0; i < SL_LENGTH(bodies); i++)
        if (parse(bodies[i], &form))
            fail_msg("%s was read as a form", bodies[i]);
}

static void as_many_fields_as_there_is_room_for_and_not_one_more(void **state)
{
    (void)state;
    char body[FORM_FIELDS_MAX * 4 + 8] = "";
    static uint8_t large_room[sizeof body];
    struct writer writer = writer_over(body, sizeof body);
    struct form form;
    for (int i = 0; i < FORM_FIELDS_MAX; i++) {
        write_str(&writer, i > 0 ? "&f" : "f");
        write_decimal(&writer, (uint64_t)i);
    }
    assert_true(form_parse(writer_slice(&writer), large_room, &form));
    assert_int_equal(form.n, FORM_FIELDS_MAX);
    write_str(&writer, "&one");
    assert_false(form_parse(writer_slice(&writer), large_room, &form));
}

static void a_cookie_is_found_among_others_and_not_when_it_comes_twice(void **state)
{
    (void)state;
    struct slice value;
    assert_true(cookie_get(slice_of_str("a=1; __Host-sluis=tok; b=2"), "__Host-sluis", &value));
    assert_true(slice_equals_str(value, "tok"));
    assert_true(cookie_get(slice_of_str("__Host-sluis="), "__Host-sluis", &value));
    assert_int_equal(value.n, 0);
    assert_true(cookie_get(slice_of_str("a=b=c"), "a", &value));
    assert_true(slice_equals_str(value, "b=c"));
    assert_false(cookie_get(slice_of_str("a=1; a=2"), "a", &value));
    assert_false(cookie_get(slice_of_str("xa=1"), "a", &value));
    assert_false(cookie_get(slice_of_str(""), "a", &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_values_are_decoded),
        cmocka_unit_test(what_is_no_form_is_refused),
        cmocka_unit_test(as_many_fields_as_there_is_room_for_and_not_one_more),
        cmocka_unit_test(a_cookie_is_found_among_others_and_not_when_it_comes_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
