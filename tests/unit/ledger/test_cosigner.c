/*
 * A witness's key: one line that says whose it is, and what it signs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/cosignature.h"
#include "ledger/cosigner.h"
#include "ledger/note_lines.h"
#include "signing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char checkpoint[] = "log.example/1\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

static char folder[64], path[96];
static struct note_problem problem;

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sluis-test-cosigner-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key", folder);
    problem.text[0] = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void put(const char *text)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* The line of a key whose seed is one byte, 32 times. */
static void line_of(const char *name, uint8_t seed, char out[512])
{
    struct signing as_log;
    uint8_t typed[33];
    signing_init(&as_log, name, VKEY_ED25519, seed);
    typed[0] = 1;
    memset(typed + 1, seed, 32);
    struct writer writer = writer_over(out, 511);
    write_str(&writer, "PRIVATE+KEY+");
    write_str(&writer, name);
    write_str(&writer, "+");
    write_hex(&writer, slice_of(as_log.vkey.id, 4));
    write_str(&writer, "+");
    write_base64(&writer, slice_of(typed, sizeof typed));
    write_str(&writer, "\n");
    out[writer.n] = 0;
}

static void a_line_of_the_known_form_is_the_key_that_it_says(void **state)
{
    (void)state;
    char line[512];
    struct signing expected;
    signing_init(&expected, "north.example/w", VKEY_COSIGNATURE, 7);
    line_of("north.example/w", 7, line);
    put(line);
    SL_AUTO(cosigner) cosigner = NULL;
    assert_int_equal(cosigner_open(path, &problem, &cosigner), SL_OK);
    assert_string_equal(cosigner_vkey_text(cosigner), expected.vkey_text);
    assert_memory_equal(cosigner_vkey(cosigner)->key, expected.vkey.key, NOTE_KEY_BYTES);
    assert_true(slice_equals_str(cosigner_vkey(cosigner)->name, "north.example/w"));
    line[strlen(line) - 1] = 0; /* without LF, and with CR LF */
    put(line);
    cosigner_free(cosigner);
    cosigner = NULL;
    assert_int_equal(cosigner_open(path, &problem, &cosigner), SL_OK);
    strcat(line, "\r\n");
    put(line);
    cosigner_free(cosigner);
    cosigner = NULL;
    assert_int_equal(cosigner_open(path, &problem, &cosigner), SL_OK);
}

static void what_it_signs_is_a_cosignature_of_its_key(void **state)
{
    (void)state;
    char line[512];
    uint8_t block[COSIGNATURE_LINE_BYTES_MAX], same[COSIGNATURE_LINE_BYTES_MAX];
    struct signing other_way;
    struct slice text = slice_of_str(checkpoint);
    line_of("north.example/w", 7, line);
    put(line);
    SL_AUTO(cosigner) cosigner = NULL;
    assert_int_equal(cosigner_open(path, &problem, &cosigner), SL_OK);
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(cosigner_sign(cosigner, text, 1790000000, &writer), SL_OK);
    signing_init(&other_way, "north.example/w", VKEY_COSIGNATURE, 7);
    struct writer same_writer = writer_over(same, sizeof same);
    signing_write_line(&other_way, text, 1790000000, &same_writer);
    assert_true(slice_equals(writer_slice(&writer), writer_slice(&same_writer)));
}

static void the_longest_name_fits_its_line(void **state)
{
    (void)state;
    char name[NOTE_NAME_BYTES_MAX + 1], vkey[NOTE_VKEY_BYTES_MAX];
    uint8_t block[COSIGNATURE_LINE_BYTES_MAX];
    memset(name, 'n', sizeof name);
    assert_int_equal(
        cosigner_generate(path, slice_of(name, NOTE_NAME_BYTES_MAX + 1), &problem, vkey),
        SL_EMALFORMED);
    assert_int_equal(cosigner_generate(path, slice_of(name, NOTE_NAME_BYTES_MAX), &problem, vkey),
                     SL_OK);
    SL_AUTO(cosigner) cosigner = NULL;
    assert_int_equal(cosigner_open(path, &problem, &cosigner), SL_OK);
    assert_string_equal(cosigner_vkey_text(cosigner), vkey);
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(cosigner_sign(cosigner, slice_of_str(checkpoint), INT64_MAX, &writer), SL_OK);
    assert_int_equal(writer.n, sizeof block);
}

static void a_new_key_is_private_never_overwritten_and_never_the_same(void **state)
{
    (void)state;
    char first[NOTE_VKEY_BYTES_MAX], second[NOTE_VKEY_BYTES_MAX];
    struct slice name = slice_of_str("north.example/w");
    struct stat facts;
    assert_int_equal(cosigner_generate(path, name, &problem, first), SL_OK);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(cosigner_generate(path, name, &problem, second), SL_ESTORE);
    assert_non_null(strstr(problem.text, path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(cosigner_generate(path, name, &problem, second), SL_OK);
    assert_string_not_equal(first, second);
    assert_int_equal(cosigner_generate(path, slice_of_str("two words"), &problem, second),
                     SL_EMALFORMED);
    assert_non_null(strstr(problem.text, "name"));
}

static void a_line_that_was_changed_is_refused(void **state)
{
    (void)state;
    char line[512];
    struct cosigner *cosigner = NULL;
    line_of("north.example/w", 7, line);
    size_t n = strlen(line) - 1;
    for (size_t i = 0; i < n; i++) {
        line[i] ^= 1;
        put(line);
        assert_int_not_equal(cosigner_open(path, &problem, &cosigner), SL_OK);
        line[i] ^= 1;
    }
    for (size_t i = 1; i < n; i++) {
        char kept = line[i];
        line[i] = 0;
        put(line);
        assert_int_not_equal(cosigner_open(path, &problem, &cosigner), SL_OK);
        line[i] = kept;
    }
    assert_null(cosigner);
}

static void other_files_are_refused_with_what_was_expected(void **state)
{
    (void)state;
    struct cosigner *cosigner = NULL;
    assert_int_equal(cosigner_open(path, &problem, &cosigner), SL_ESTORE);
    put("-----BEGIN PRIVATE KEY-----\n");
    assert_int_equal(cosigner_open(path, &problem, &cosigner), SL_EMALFORMED);
    assert_non_null(strstr(problem.text, "--new-key"));
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(cosigner_open(path, &problem, &cosigner), SL_ESTORE);
    assert_non_null(strstr(problem.text, "chmod 600"));
    assert_null(cosigner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_of_the_known_form_is_the_key_that_it_says),
        TEST(what_it_signs_is_a_cosignature_of_its_key),
        TEST(the_longest_name_fits_its_line),
        TEST(a_new_key_is_private_never_overwritten_and_never_the_same),
        TEST(a_line_that_was_changed_is_refused),
        TEST(other_files_are_refused_with_what_was_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
