/*
 * test_tlog_policy.c - trust files, line by line, and notes under them
 */
#include "ledger/tlog_policy.h"

#include "signing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { N_WITNESSES = 6 };

#define ORIGIN "log.example/1"
#define TEXT   ORIGIN "\n3\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"

static struct signing the_log, other_log, witnesses[N_WITNESSES], stranger;
static struct tlog_policy policy;
static struct tlog_policy_problem problem;

static int setup(void **state)
{
    (void)state;
    signing_init(&the_log, ORIGIN, VKEY_ED25519, 100);
    signing_init(&other_log, "other.example/1", VKEY_ED25519, 101);
    signing_init(&stranger, "stranger.example", VKEY_COSIGNATURE, 102);
    for (int i = 0; i < N_WITNESSES; i++) {
        char name[32];
        snprintf(name, sizeof name, "w%d.example", i);
        signing_init(&witnesses[i], name, VKEY_COSIGNATURE, (uint8_t)(1 + i));
    }
    return 0;
}

/* $L, $O: the logs' keys; $0 to $5: the witnesses'. */
static void expand(const char *pattern, char *out, size_t cap)
{
    size_t n = 0;
    for (; *pattern; pattern++) {
        const char *key = NULL;
        if (*pattern == '$' && pattern[1] == 'L')
            key = the_log.vkey_text;
        else if (*pattern == '$' && pattern[1] == 'O')
            key = other_log.vkey_text;
        else if (*pattern == '$')
            key = witnesses[pattern[1] - '0'].vkey_text;
        if (key) {
            n += (size_t)snprintf(out + n, cap - n, "%s", key);
            pattern++;
        } else {
            out[n++] = *pattern;
        }
        assert_true(n < cap);
    }
    out[n] = 0;
}

static char file[TLOG_POLICY_BYTES_MAX + 2];

/* Keys point into the file, so it stays. */
static enum sl_err parse(const char *pattern)
{
    expand(pattern, file, sizeof file);
    return tlog_policy_parse(slice_of_str(file), &problem, &policy);
}

static enum tlog_policy_check check_by(unsigned witness_bits, bool log_signs)
{
    static char note[16384];
    struct tlog_policy_found found;
    struct writer writer = writer_over(note, sizeof note);
    write_str(&writer, TEXT "\n");
    if (log_signs)
        signing_write_line(&the_log, slice_of_str(TEXT), 0, &writer);
    signing_write_line(&stranger, slice_of_str(TEXT), 9, &writer);
    for (unsigned i = 0; i < N_WITNESSES; i++)
        if (witness_bits >> i & 1)
            signing_write_line(&witnesses[i], slice_of_str(TEXT), 1000 + i, &writer);
    assert_false(writer.overflow);
    return tlog_policy_check(&policy, writer_slice(&writer), &found);
}

/* ------------------------------------------------------------------------------------ parsing --
 */

#define THREE "witness a $0\nwitness b $1\nwitness c $2\n"

static void what_the_specification_allows_is_read(void **state)
{
    (void)state;
    static const char *const right[] = {
        "quorum none\n",
        "log $L\nquorum none\n",
        "log $L https://log.example/\nlog $O\nquorum none\n",
        "\n \t \n# a comment\n \t# another: \xff\xfe\nquorum none\n",
        "  quorum\t none \t\n",
        "quorum none\nlog $L\nwitness a $0\n", /* after the quorum is fine, too */
        "witness a $0 https://w.example/\nquorum a\n",
        "witness \xe2\x84\xaa $0\nwitness K $1\nquorum K\n",
        "witness all $0\nwitness 1 $1\ngroup any all all 1\nquorum any\n",
        THREE "group g 2 a b c\nquorum g\n",
        THREE "group g any a b c\nquorum g\n",
        THREE "group g 1 a\ngroup h all g b c\nquorum h\n",
        THREE "group g 3 a b c\nquorum none\n",
        THREE "group g any a b\nquorum a\n", /* a member alone */
        "log $L #\nquorum none\n",           /* "#" is an URL here: comments are lines */
    };
    for (size_t i = 0; i < SL_LENGTH(right); i++)
        if (parse(right[i]) != SL_OK)
            fail_msg("%s\nline %zu: %s", right[i], problem.line, problem.text);
}

static void anything_else_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t line;
    } wrong[] = {
        {"", 0},
        {"log $L\n", 0},
        {"quorum none", 1}, /* cut off? */
        {"quorum none\nquorum none\n", 2},
        {"quorum\n", 1},
        {"quorum none none\n", 1},
        {"quorum a\nwitness a $0\n", 1}, /* forward */
        {"quorum b\n", 1},
        {"log\nquorum none\n", 1},
        {"log x\nquorum none\n", 1},
        {"log $0\nquorum none\n", 1}, /* a witness's key */
        {"log $L\nlog $L\nquorum none\n", 2},
        {"log $L a b\nquorum none\n", 1},
        {"witness a $L\nquorum none\n", 1}, /* a log's key */
        {"witness a\nquorum none\n", 1},
        {"witness $0\nquorum none\n", 1},
        {"witness none $0\nquorum none\n", 1},
        {"witness a $0 u v\nquorum none\n", 1},
        {"witness a $0\nwitness a $1\nquorum none\n", 2},
        {"witness a $0\nwitness b $0\nquorum none\n", 2},
        {THREE "group\nquorum none\n", 4},
        {THREE "group g\nquorum none\n", 4},
        {THREE "group g any\nquorum none\n", 4},
        {THREE "group g 0 a\nquorum none\n", 4},
        {THREE "group g 2 a\nquorum none\n", 4},
        {THREE "group g 01 a\nquorum none\n", 4},
        {THREE "group g +1 a\nquorum none\n", 4},
        {THREE "group g most a b\nquorum none\n", 4},
        {THREE "group g 18446744073709551617 a\nquorum none\n", 4},
        {THREE "group none any a\nquorum none\n", 4},
        {THREE "group a any b\nquorum none\n", 4},
        {THREE "group g any none\nquorum none\n", 4},
        {THREE "group g any g\nquorum none\n", 4}, /* itself */
        {THREE "group g any h\ngroup h any a\nquorum g\n", 4},
        {THREE "group g any a a\nquorum none\n", 4},
        {THREE "group g any a b\ngroup h any b c\nquorum none\n", 5},
        {"Quorum none\n", 1},
        {"witnesses none\n", 1},
        {"quorum none\r\n", 1},
        {"quorum none\n\x7f\n", 2},
        {"# \x01\nquorum none\n", 1},
        {"quorum\vnone\n", 1},
        {"quorum\xc2\xa0none\n", 1},
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        policy.n_logs = 77;
        if (parse(wrong[i].text) != SL_EMALFORMED)
            fail_msg("was read: %s", wrong[i].text);
        assert_int_equal(problem.line, wrong[i].line);
        assert_true(strlen(problem.text) > 5);
        assert_int_equal(policy.n_logs, 77);
    }
    static const char nul[] = "# \0\nquorum none\n";
    assert_int_equal(tlog_policy_parse(slice_of(nul, sizeof nul - 1), &problem, &policy),
                     SL_EMALFORMED);
}

/* A file with so many of a kind. */
static enum sl_err parse_many(int n_logs, int n_witnesses, int n_groups)
{
    size_t n = 0;
    for (int i = 0; i < n_logs + n_witnesses; i++) {
        struct signing signing;
        char name[32];
        bool is_log = i < n_logs;
        snprintf(name, sizeof name, "n%d", i);
        signing_init(&signing, name, is_log ? VKEY_ED25519 : VKEY_COSIGNATURE, (uint8_t)i);
        n += (size_t)snprintf(file + n, sizeof file - n, "%s%s%s %s\n", is_log ? "log" : "witness ",
                              is_log ? "" : name, "", signing.vkey_text);
    }
    for (int i = 0; i < n_groups; i++) {
        char member[32];
        snprintf(member, sizeof member, i ? "g%d" : "n%d", i ? i - 1 : n_logs);
        n += (size_t)snprintf(file + n, sizeof file - n, "group g%d any %s\n", i, member);
    }
    snprintf(file + n, sizeof file - n, "quorum none\n");
    return tlog_policy_parse(slice_of_str(file), &problem, &policy);
}

static void each_kind_has_its_limit(void **state)
{
    (void)state;
    assert_int_equal(
        parse_many(TLOG_POLICY_LOGS_MAX, TLOG_POLICY_WITNESSES_MAX, TLOG_POLICY_GROUPS_MAX), SL_OK);
    assert_int_equal(parse_many(TLOG_POLICY_LOGS_MAX + 1, 0, 0), SL_ELIMIT);
    assert_int_equal(parse_many(0, TLOG_POLICY_WITNESSES_MAX + 1, 0), SL_ELIMIT);
    assert_int_equal(parse_many(0, 1, TLOG_POLICY_GROUPS_MAX + 1), SL_ELIMIT);
    static const char end[] = "\nquorum none\n";
    for (size_t n = TLOG_POLICY_BYTES_MAX; n <= TLOG_POLICY_BYTES_MAX + 1; n++) {
        memset(file, '#', n);
        memcpy(file + n - (sizeof end - 1), end, sizeof end - 1);
        assert_int_equal(tlog_policy_parse(slice_of(file, n), &problem, &policy),
                         n > TLOG_POLICY_BYTES_MAX ? SL_ELIMIT : SL_OK);
    }
}

/* ----------------------------------------------------------------------------------- checking --
 */

static void a_quorum_is_what_its_groups_say(void **state)
{
    (void)state;
    /* The example of the specification: 2 of three, and any of three others. */
    assert_int_equal(parse("log $L\n\nwitness X1 $0\nwitness X2 $1\nwitness X3 $2\n"
                           "group X 2 X1 X2 X3\n\nwitness Y1 $3\nwitness Y2 $4\nwitness Y3 $5\n"
                           "group Y any Y1 Y2 Y3\n\ngroup X-and-Y all X Y\nquorum X-and-Y\n"),
                     SL_OK);
    for (unsigned bits = 0; bits < 64; bits++) {
        bool expected = __builtin_popcount(bits & 7) >= 2 && (bits >> 3) != 0;
        assert_int_equal(check_by(bits, true),
                         expected ? TLOG_POLICY_HOLDS : TLOG_POLICY_NO_QUORUM);
        assert_int_equal(check_by(bits, false), TLOG_POLICY_OTHER_LOG);
    }
}

static void one_witness_or_none_can_be_the_quorum(void **state)
{
    (void)state;
    assert_int_equal(parse("log $L\nwitness a $0\nwitness b $1\nquorum b\n"), SL_OK);
    assert_int_equal(check_by(0, true), TLOG_POLICY_NO_QUORUM);
    assert_int_equal(check_by(1, true), TLOG_POLICY_NO_QUORUM);
    assert_int_equal(check_by(2, true), TLOG_POLICY_HOLDS);
    assert_int_equal(parse("log $L\nwitness a $0\nquorum none\n"), SL_OK);
    assert_int_equal(check_by(0, true), TLOG_POLICY_HOLDS);
    assert_int_equal(check_by(0, false), TLOG_POLICY_OTHER_LOG);
    /* A policy without logs leaves the log to the caller. */
    assert_int_equal(parse("witness a $0\nquorum a\n"), SL_OK);
    assert_int_equal(check_by(1, false), TLOG_POLICY_HOLDS);
    assert_int_equal(check_by(0, true), TLOG_POLICY_NO_QUORUM);
}

static void names_and_urls_of_witnesses_are_kept(void **state)
{
    (void)state;
    assert_int_equal(
        parse("witness north $0 https://n.example/w\nwitness south $1\n"
              "group g any north south\nwitness east $2 http://[::1]:8470\nquorum g\n"),
        SL_OK);
    static const char *const names[] = {"north", "south", "east"};
    static const char *const urls[] = {"https://n.example/w", "", "http://[::1]:8470"};
    for (size_t i = 0; i < SL_LENGTH(names); i++) {
        assert_true(slice_equals_str(tlog_policy_witness_name(&policy, i), names[i]));
        assert_true(slice_equals_str(policy.witness_urls[i], urls[i]));
    }
    bool signed_by[TLOG_POLICY_WITNESSES_MAX] = {false, false, true};
    assert_false(tlog_policy_has_quorum(&policy, signed_by));
    signed_by[1] = true;
    assert_true(tlog_policy_has_quorum(&policy, signed_by));
}

static void a_log_speaks_for_its_own_origin_only(void **state)
{
    (void)state;
    char note[2048];
    struct tlog_policy_found found;
    assert_int_equal(parse("log $L\nlog $O\nquorum none\n"), SL_OK);
    struct writer writer = writer_over(note, sizeof note);
    write_str(&writer, TEXT "\n");
    signing_write_line(&other_log, slice_of_str(TEXT), 0, &writer);
    assert_int_equal(tlog_policy_check(&policy, writer_slice(&writer), &found),
                     TLOG_POLICY_OTHER_LOG);
    signing_write_line(&the_log, slice_of_str(TEXT), 0, &writer);
    assert_int_equal(tlog_policy_check(&policy, writer_slice(&writer), &found), TLOG_POLICY_HOLDS);
    assert_true(slice_equals_str(found.text, TEXT));
    assert_int_equal(found.n_witnesses, 0);
}

static void a_witness_counts_once_and_the_oldest_time_is_told(void **state)
{
    (void)state;
    char note[4096];
    struct tlog_policy_found found;
    assert_int_equal(parse("log $L\n" THREE "group g 2 a b c\nquorum g\n"), SL_OK);
    struct writer writer = writer_over(note, sizeof note);
    write_str(&writer, TEXT "\n");
    signing_write_line(&the_log, slice_of_str(TEXT), 0, &writer);
    for (uint64_t again = 0; again < 3; again++)
        signing_write_line(&witnesses[0], slice_of_str(TEXT), 500 + again, &writer);
    assert_int_equal(tlog_policy_check(&policy, writer_slice(&writer), &found),
                     TLOG_POLICY_NO_QUORUM);
    signing_write_line(&witnesses[2], slice_of_str(TEXT), 499, &writer);
    assert_int_equal(tlog_policy_check(&policy, writer_slice(&writer), &found), TLOG_POLICY_HOLDS);
    assert_int_equal(found.n_witnesses, 2);
    assert_int_equal(found.oldest_time_s, 499);
}

static void no_flipped_bit_of_a_known_line_or_the_text_holds(void **state)
{
    (void)state;
    char note[2048];
    struct tlog_policy_found found;
    assert_int_equal(parse("log $L\nwitness a $0\nquorum a\n"), SL_OK);
    struct writer writer = writer_over(note, sizeof note);
    write_str(&writer, TEXT "\n");
    signing_write_line(&the_log, slice_of_str(TEXT), 0, &writer);
    signing_write_line(&witnesses[0], slice_of_str(TEXT), 1000, &writer);
    struct slice whole = writer_slice(&writer);
    assert_int_equal(tlog_policy_check(&policy, whole, &found), TLOG_POLICY_HOLDS);
    for (size_t bit = 0; bit < whole.n * 8; bit++) {
        note[bit / 8] = (char)(note[bit / 8] ^ (1 << bit % 8));
        assert_int_not_equal(tlog_policy_check(&policy, whole, &found), TLOG_POLICY_HOLDS);
        note[bit / 8] = (char)(note[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t n = 0; n < whole.n; n++)
        assert_int_not_equal(tlog_policy_check(&policy, slice_of(note, n), &found),
                             TLOG_POLICY_HOLDS);
}

/* Lines of types that nobody here knows are passed over, however long they are. */
static void sixteen_long_signatures_of_others_are_passed_over(void **state)
{
    (void)state;
    static char note[NOTE_BYTES_MAX];
    static uint8_t blob[5000];
    struct tlog_policy_found found;
    assert_int_equal(parse("log $L\nquorum none\n"), SL_OK);
    struct writer writer = writer_over(note, sizeof note);
    write_str(&writer, TEXT "\n");
    for (int i = 0; i < 15; i++) {
        write_str(&writer, "\xe2\x80\x94 pq.example ");
        write_base64(&writer, slice_of(blob, sizeof blob));
        write_str(&writer, "\n");
    }
    signing_write_line(&the_log, slice_of_str(TEXT), 0, &writer);
    assert_false(writer.overflow);
    assert_int_equal(tlog_policy_check(&policy, writer_slice(&writer), &found), TLOG_POLICY_HOLDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_specification_allows_is_read),
        cmocka_unit_test(anything_else_is_refused_with_its_line),
        cmocka_unit_test(each_kind_has_its_limit),
        cmocka_unit_test(a_quorum_is_what_its_groups_say),
        cmocka_unit_test(one_witness_or_none_can_be_the_quorum),
        cmocka_unit_test(names_and_urls_of_witnesses_are_kept),
        cmocka_unit_test(a_log_speaks_for_its_own_origin_only),
        cmocka_unit_test(a_witness_counts_once_and_the_oldest_time_is_told),
        cmocka_unit_test(no_flipped_bit_of_a_known_line_or_the_text_holds),
        cmocka_unit_test(sixteen_long_signatures_of_others_are_passed_over),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
