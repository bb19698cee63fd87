/*
 * test_vkey_list.c - the file of a ledger's keys: what is one, and what is not
 */
#include "ledger/vkey_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct vkey_list list;

/* The i-th key of a ledger, as text. */
static const char *vkey_of(const char *name, int i, enum vkey_type type)
{
    static char texts[8][NOTE_VKEY_BYTES_MAX];
    static size_t n;
    char *text = texts[n++ % SL_LENGTH(texts)];
    uint8_t key[NOTE_KEY_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8)};
    struct writer writer = writer_over(text, NOTE_VKEY_BYTES_MAX - 1);
    vkey_write(&writer, slice_of_str(name), type, key);
    assert_false(writer.overflow);
    text[writer.n] = '\0';
    return text;
}

static const char *key(int i)
{
    return vkey_of("log.example/1", i, VKEY_ED25519);
}

static void assert_list(const char *text, size_t n)
{
    size_t line = 77;
    if (vkey_list_parse(slice_of_str(text), &list, &line) != SL_OK)
        fail_msg("refused at line %zu: %s", line, text);
    assert_int_equal(list.n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(list.keys[i].key[0], i);
    assert_true(slice_equals_str(vkey_list_name(&list), "log.example/1"));
}

static void assert_refused(const char *text, enum sl_err err, size_t at_line)
{
    static struct vkey_list untouched;
    size_t line = 77;
    untouched.n = 99;
    if (vkey_list_parse(slice_of_str(text), &untouched, &line) != err || line != at_line)
        fail_msg("expected %s at line %zu, found line %zu: %s", sl_err_name(err), at_line, line,
                 text);
    assert_int_equal(untouched.n, 99);
}

static void lines_end_in_any_way(void **state)
{
    (void)state;
    char text[1024];
    static const char *const ends[] = {"\n", "", "\r\n", "\n\n\r\n"};
    assert_list(key(0), 1);
    for (size_t i = 0; i < SL_LENGTH(ends); i++) {
        snprintf(text, sizeof text, "%s\n%s\r\n%s%s", key(0), key(1), key(2), ends[i]);
        assert_list(text, 3);
    }
}

static void what_is_not_a_list_of_one_ledgers_keys_is_refused(void **state)
{
    (void)state;
    char text[1024];
    static const char two[] = "%s\n%s\n";
    assert_refused("", SL_EMALFORMED, 1);
    assert_refused("\n", SL_EMALFORMED, 1);
    assert_refused("garbage", SL_EMALFORMED, 1);
    snprintf(text, sizeof text, two, key(0), "garbage");
    assert_refused(text, SL_EMALFORMED, 2);
    snprintf(text, sizeof text, two, key(0), key(0));
    assert_refused(text, SL_EMALFORMED, 2);
    snprintf(text, sizeof text, two, key(0), vkey_of("log.example/2", 1, VKEY_ED25519));
    assert_refused(text, SL_EMALFORMED, 2);
    snprintf(text, sizeof text, two, key(0), vkey_of("log.example/1", 1, VKEY_COSIGNATURE));
    assert_refused(text, SL_EMALFORMED, 2);
    snprintf(text, sizeof text, "%s\n\n%s\n", key(0), key(1));
    assert_refused(text, SL_EMALFORMED, 2);
    snprintf(text, sizeof text, " %s\n", key(0));
    assert_refused(text, SL_EMALFORMED, 1);
    snprintf(text, sizeof text, "%s \n", key(0));
    assert_refused(text, SL_EMALFORMED, 1);
    snprintf(text, sizeof text, "# a comment\n%s\n", key(0));
    assert_refused(text, SL_EMALFORMED, 1);
}

static void ledger_keys_is_the_limit(void **state)
{
    (void)state;
    static char text[VKEY_LIST_BYTES_MAX + NOTE_VKEY_BYTES_MAX];
    size_t n = 0, line;
    for (int i = 0; i < VKEY_LIST_KEYS_MAX; i++)
        n += (size_t)sprintf(text + n, "%s\n", key(i));
    assert_int_equal(vkey_list_parse(slice_of(text, n), &list, &line), SL_OK);
    assert_int_equal(list.n, LIMIT_MAX_ledger_keys);
    sprintf(text + n, "%s\n", key(VKEY_LIST_KEYS_MAX));
    assert_refused(text, SL_ELIMIT, VKEY_LIST_KEYS_MAX + 1);
}

static void a_key_is_found_at_its_place(void **state)
{
    (void)state;
    char text[1024];
    struct vkey wanted;
    size_t place = 77;
    snprintf(text, sizeof text, "%s\n%s\n%s\n", key(0), key(1), key(2));
    assert_list(text, 3);
    assert_int_equal(vkey_parse(slice_of_str(key(2)), &wanted), SL_OK);
    assert_true(vkey_list_find(&list, &wanted, &place));
    assert_int_equal(place, 2);
    assert_int_equal(vkey_parse(slice_of_str(key(3)), &wanted), SL_OK);
    assert_false(vkey_list_find(&list, &wanted, &place));
    const char *other = vkey_of("log.example/2", 1, VKEY_ED25519);
    assert_int_equal(vkey_parse(slice_of_str(other), &wanted), SL_OK);
    assert_false(vkey_list_find(&list, &wanted, &place)); /* the same bytes under another name */
    assert_int_equal(place, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_any_way),
        cmocka_unit_test(what_is_not_a_list_of_one_ledgers_keys_is_refused),
        cmocka_unit_test(ledger_keys_is_the_limit),
        cmocka_unit_test(a_key_is_found_at_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
