/*
 * A line per event that nobody outside can forge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void assert_printable(const char *text, size_t n, const char *expected)
{
    char out[128];
    text_make_printable(slice_of(text, n), out, sizeof out);
    assert_string_equal(out, expected);
}

static void assert_printable_str(const char *text, const char *expected)
{
    assert_printable(text, strlen(text), expected);
}

static void plain_text_stays_as_it_is(void **state)
{
    (void)state;
    assert_printable_str("", "");
    assert_printable_str("route waze-position \\ ~", "route waze-position \\ ~");
    assert_printable_str("caf\xc3\xa9 \xe6\xb0\xb4 \xf0\x9f\x9a\x97",
                         "caf\xc3\xa9 \xe6\xb0\xb4 \xf0\x9f\x9a\x97");
    assert_printable_str("\xc2\xa0", "\xc2\xa0");
}

static void controls_are_written_out(void **state)
{
    (void)state;
    assert_printable_str("a\nb\r\tc", "a\\x0ab\\x0d\\x09c");
    assert_printable("a\0b", 3, "a\\x00b");
    assert_printable_str("\x1b[2J\x7f", "\\x1b[2J\\x7f");
    assert_printable_str("\xc2\x9b"
                         "31m",
                         "\\xc2\\x9b31m"); /* U+009B: control sequence */
    assert_printable_str("\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f");
}

static void bytes_that_are_not_utf_8_are_written_out(void **state)
{
    (void)state;
    assert_printable_str("\xff"
                         "caf\xe9",
                         "\\xffcaf\\xe9");
    assert_printable_str("\xc3", "\\xc3");
    assert_printable_str("\xed\xa0\x80", "\\xed\\xa0\\x80");
}

static void marks_that_reorder_text_are_written_out(void **state)
{
    (void)state;
    assert_printable_str("a\xe2\x80\xae"
                         "b",
                         "a\\xe2\\x80\\xaeb");
    assert_printable_str("\xe2\x80\x8e\xe2\x80\x8f", "\\xe2\\x80\\x8e\\xe2\\x80\\x8f");
    assert_printable_str("\xe2\x80\xaa", "\\xe2\\x80\\xaa");
    assert_printable_str("\xe2\x81\xa6\xe2\x81\xa9", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9");
    assert_printable_str("\xd8\x9c", "\\xd8\\x9c");
    /* Their neighbours are letters and dashes. */
    assert_printable_str("\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xaa\xd8\x9b",
                         "\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xaa\xd8\x9b");
}

static void what_does_not_fit_is_cut_off_between_characters(void **state)
{
    (void)state;
    char out[12];
    text_make_printable(slice_of_str("12345678"), out, sizeof out);
    assert_string_equal(out, "12345678");
    text_make_printable(slice_of_str("1234567890123"), out, sizeof out);
    assert_string_equal(out, "12345678...");
    text_make_printable(slice_of_str("1234567\xc3\xa9more"), out, sizeof out);
    assert_string_equal(out, "1234567...");
    text_make_printable(slice_of_str("123456\nmore"), out, sizeof out);
    assert_string_equal(out, "123456...");
    text_make_printable(slice_of_str("aaaaa"), out, 4);
    assert_string_equal(out, "...");
}

/* What log_at() writes to standard error. */
static size_t catch_line(enum log_level level, const char *text, char *line, size_t cap)
{
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
    int before = dup(STDERR_FILENO);
    assert_int_equal(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
    log_at(level, "%s", text);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    ssize_t n = read(pipe_fds[0], line, cap - 1);
    close(before);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    line[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

static void a_line_has_time_level_and_text(void **state)
{
    (void)state;
    char line[8192];
    size_t n = catch_line(LOG_WARN, "app \"waze\" is slow", line, sizeof line);
    assert_true(n > 25);
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[23], 'Z');
    assert_string_equal(line + 24, " warn  app \"waze\" is slow\n");
}

static void one_event_is_one_line_whatever_its_text(void **state)
{
    (void)state;
    char line[8192];
    size_t n = catch_line(LOG_ERROR, "x\n2026-11-23T01:24:54.123Z info  forged", line, sizeof line);
    assert_ptr_equal(memchr(line, '\n', n), line + n - 1);
    char text[6000];
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = 0;
    n = catch_line(LOG_ERROR, text, line, sizeof line);
    assert_ptr_equal(memchr(line, '\n', n), line + n - 1);
}

static void levels_below_the_least_are_silent(void **state)
{
    (void)state;
    char line[256];
    assert_int_equal(catch_line(LOG_DEBUG, "x", line, sizeof line), 0);
    assert_true(catch_line(LOG_INFO, "x", line, sizeof line) > 0);
    log_set_level(LOG_ERROR);
    assert_int_equal(catch_line(LOG_WARN, "x", line, sizeof line), 0);
    assert_true(catch_line(LOG_ERROR, "x", line, sizeof line) > 0);
    log_set_level(LOG_DEBUG);
    assert_true(catch_line(LOG_DEBUG, "x", line, sizeof line) > 0);
    log_set_level(LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays_as_it_is),
        cmocka_unit_test(controls_are_written_out),
        cmocka_unit_test(bytes_that_are_not_utf_8_are_written_out),
        cmocka_unit_test(marks_that_reorder_text_are_written_out),
        cmocka_unit_test(what_does_not_fit_is_cut_off_between_characters),
        cmocka_unit_test(a_line_has_time_level_and_text),
        cmocka_unit_test(one_event_is_one_line_whatever_its_text),
        cmocka_unit_test(levels_below_the_least_are_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
