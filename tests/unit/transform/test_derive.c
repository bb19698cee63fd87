/* What coarser values are made from, and that making one again changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/derive.h"

#include "base/err.h"

#include <string.h>

struct example {
    const char *text; /* a number when it begins with '#' */
    const char *made; /* NULL: not taken; "": null */
};

static void expect(enum field_form form, uint32_t time_s, const struct example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char block[256];
        const char *text = examples[i].text;
        struct derive_input input = {text[0] != '#', slice_of_str(text + (text[0] == '#')), time_s,
                                     2026};
        struct writer writer = writer_over(block, sizeof block);
        const bool taken = derive_value(form, &input, &writer);
        if (taken != (examples[i].made != NULL) ||
            (taken && !slice_equals_str(writer_slice(&writer), examples[i].made)))
            fail_msg("%s became %s %.*s", text, taken ? "" : "none",
                     SLICE_PRINTF(writer_slice(&writer)));
        if (!taken || writer.n == 0)
            continue;
        char again[256];
        input = (struct derive_input){true, writer_slice(&writer), time_s, 2026};
        struct writer twice = writer_over(again, sizeof again);
        assert_true(derive_value(form, &input, &twice));
        assert_true(slice_equals(writer_slice(&twice), writer_slice(&writer)));
    }
}

#define EXPECT(form, time_s, ...)                                                                  \
    do {                                                                                           \
        static const struct example examples[] = {__VA_ARGS__};                                    \
        expect(form, time_s, examples, SL_LENGTH(examples));                                       \
    } while (0)

static void a_month_is_made_from_what_has_a_date(void **state)
{
    (void)state;
    EXPECT(FIELD_MONTH, 0, {"2026-11-28", "2026-11"}, {"2026-11-01T00:30:00+02:00", "2026-11"},
           {"2026-11", "2026-11"}, {"#1795868400", "2026-11"}, {"#1795868400000", "2026-11"},
           {"2026-02-30", NULL}, {"2026-13", NULL}, {"15:30", NULL}, {"November", NULL},
           {"2026-11-28T", NULL}, {"#1e9", NULL}, {"", NULL});
    EXPECT(FIELD_MONTH, 86400, {"2026-11-28", "2026-11"});
    EXPECT(FIELD_MONTH, 90 * 86400, {"2026-11-28", "2026-09"}, {"2026-01-01", "2026-01"});
}

static void an_hour_is_that_of_the_clock_on_the_wall(void **state)
{
    (void)state;
    EXPECT(FIELD_HOUR, 0, {"2026-11-28T15:59:59+01:00", "15:00"}, {"15:30", "15:00"},
           {"23:59:60", "23:00"}, {"#1795879800", "15:00"}, {"2026-11-28", NULL}, {"24:00", NULL},
           {"3pm", NULL}, {"15:3", NULL}, {"2026-11", NULL});
    EXPECT(FIELD_HOUR, 90 * 60, {"15:30", "14:00"}, {"00:10", "00:00"});
    EXPECT(FIELD_HOUR, 30 * 86400, {"15:30", "00:00"});
}

static void an_age_group_keeps_minors_apart_and_changes_at_new_year_alone(void **state)
{
    (void)state;
    EXPECT(FIELD_AGE_GROUP, 0, {"#12", "0-12"}, {"#13", "13-15"}, {"#16.9", "16-17"},
           {"#17", "16-17"}, {"#18", "18-24"}, {"#64", "55-64"}, {"#65", "65+"}, {"#150", "65+"},
           {"35", "35-44"}, {"25-34", "25-34"}, {"65+", "65+"}, {"#-1", NULL}, {"#151", NULL},
           {"#1990", NULL}, {"1990", NULL}, {"25-35", NULL}, {"adult", NULL}, {"15:30", NULL});
    /* Whoever turns 18 in 2026 does so for a partner when 2027 begins, whatever the day. */
    EXPECT(FIELD_AGE_GROUP, 0, {"2008-01-01", "16-17"}, {"2008-12-31", "16-17"},
           {"2007-12-31", "18-24"}, {"2007-12-31T23:59:59Z", "18-24"}, {"2026-06-01", "0-12"},
           {"2027-01-01", NULL}, {"1800-01-01", NULL}, {"1961-05", "55-64"}, {"1960-05", "65+"});
}

static void a_first_name_is_never_a_guess(void **state)
{
    (void)state;
    EXPECT(FIELD_FIRST_WORD, 0, {"Sanne Visser", "Sanne"},
           {"  J\u00fcrgen\u00a0de Vries", "J\u00fcrgen"}, {"Anne-Fleur", "Anne-Fleur"},
           {"J. Visser", "J."}, {"Visser, Sanne", ""}, {"Sanne Visser, MSc", ""},
           {"\u738b\u5c0f\u660e", ""}, {"\uae40 \ubbfc\uc218", ""}, {"sanne@example.org", ""},
           {"", ""}, {" \u3000 ", ""}, {"#5", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_is_made_from_what_has_a_date),
        cmocka_unit_test(an_hour_is_that_of_the_clock_on_the_wall),
        cmocka_unit_test(an_age_group_keeps_minors_apart_and_changes_at_new_year_alone),
        cmocka_unit_test(a_first_name_is_never_a_guess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
