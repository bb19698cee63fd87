/*
 * test_note.c - signed notes against published ones, and against everything that is not one
 *
 * The note and keys of "PeterNeumann" and "sum.golang.org" are those that the documentation of
 * Go's golang.org/x/mod/sumdb/note and of the Go checksum database publish.
 */
#include "ledger/note.h"

#include "base/base64.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DASH "\xe2\x80\x94 "

static const char peter_vkey[] =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char peter_text[] = "If you think cryptography is the answer to your problem,\n"
                                 "then you don't know what your problem is.\n";
static const char peter_line[] =
    DASH "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
         "otpRZb6KE6RyyBwJnAM=\n";
static const char go_vkey[] =
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

struct files {
    char folder[64], key[96], vkey[96];
};

static int setup(void **state)
{
    struct files *files = calloc(1, sizeof *files);
    assert_non_null(files);
    strcpy(files->folder, "/tmp/sluis-note-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    snprintf(files->key, sizeof files->key, "%s/key.pem", files->folder);
    snprintf(files->vkey, sizeof files->vkey, "%s/key.vkey", files->folder);
    *state = files;
    return 0;
}

static int teardown(void **state)
{
    struct files *files = *state;
    (void)unlink(files->key);
    (void)unlink(files->vkey);
    assert_int_equal(rmdir(files->folder), 0);
    free(files);
    return 0;
}

static struct note_verifier *verifier_of(const char *vkey)
{
    struct note_verifier *verifier = NULL;
    assert_int_equal(note_verifier_new(slice_of_str(vkey), &verifier), SL_OK);
    return verifier;
}

static enum note_check check(struct note_verifier *verifier, const char *note)
{
    struct slice text = {NULL, 77};
    size_t n = 77;
    enum note_check found = note_verify(verifier, slice_of_str(note), &text, &n);
    if (found != NOTE_VALID) { /* untouched */
        assert_int_equal(text.n, 77);
        assert_int_equal(n, 77);
    }
    return found;
}

/* ---------------------------------------------------------------------------------- reading -- */

static void a_published_note_verifies(void **state)
{
    (void)state;
    SL_AUTO(note_verifier) verifier = verifier_of(peter_vkey);
    char note[512];
    struct slice text;
    size_t n = 0;
    snprintf(note, sizeof note, "%s\n%s", peter_text, peter_line);
    assert_int_equal(note_verify(verifier, slice_of_str(note), &text, &n), NOTE_VALID);
    assert_true(slice_equals_str(text, peter_text));
    assert_int_equal(n, 1);
    assert_true(slice_equals_str(note_verifier_name(verifier), "PeterNeumann"));
}

static void published_keys_are_keys_and_others_are_not(void **state)
{
    (void)state;
    SL_AUTO(note_verifier) verifier = verifier_of(go_vkey); /* its base64 holds "+" */
    assert_true(slice_equals_str(note_verifier_name(verifier), "sum.golang.org"));
    static const char *const wrong[] = {
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* id */
        "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  /* name */
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* type */
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAA==",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        struct note_verifier *untouched = NULL;
        assert_int_equal(note_verifier_new(slice_of_str(wrong[i]), &untouched), SL_EMALFORMED);
        assert_null(untouched);
    }
}

static void another_key_is_told_from_a_bad_signature(void **state)
{
    (void)state;
    SL_AUTO(note_verifier) peter = verifier_of(peter_vkey);
    SL_AUTO(note_verifier) other = verifier_of(go_vkey);
    char note[512];
    snprintf(note, sizeof note, "%s\n%s", peter_text, peter_line);
    assert_int_equal(check(other, note), NOTE_OTHER_KEY);
    note[3] ^= 1;
    assert_int_equal(check(peter, note), NOTE_BAD_SIGNATURE);
}

static void lines_of_other_keys_are_ignored(void **state)
{
    (void)state;
    SL_AUTO(note_verifier) peter = verifier_of(peter_vkey);
    char note[1024];
    struct slice text;
    size_t n = 0;
    snprintf(note, sizeof note, "%s\n" DASH "EnochRoot qqqqqqqq\n%s" DASH "EnochRoot af4AAAAA\n",
             peter_text, peter_line);
    assert_int_equal(note_verify(peter, slice_of_str(note), &text, &n), NOTE_VALID);
    assert_int_equal(n, 3);
    /* A known key whose second line does not hold refuses the whole. */
    char bad_line[256];
    snprintf(bad_line, sizeof bad_line, "%s", peter_line);
    bad_line[60] = bad_line[60] == 'A' ? 'B' : 'A';
    snprintf(note, sizeof note, "%s\n%s%s", peter_text, peter_line, bad_line);
    assert_int_equal(check(peter, note), NOTE_BAD_SIGNATURE);
    snprintf(note, sizeof note, "%s\n%s%s", peter_text, bad_line, peter_line);
    assert_int_equal(check(peter, note), NOTE_BAD_SIGNATURE);
}

static void what_is_not_a_note_is_malformed(void **state)
{
    (void)state;
    SL_AUTO(note_verifier) peter = verifier_of(peter_vkey);
    static const char *const wrong[] = {
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n" DASH "name AAAAAAAA\n",  /* no empty line */
        "text\n\n" DASH "name AAAAAAAA",  /* no line feed */
        "text\n\n- name AAAAAAAA\n",      /* another dash */
        "text\n\n" DASH "name\n",         /* no signature */
        "text\n\n" DASH "name AAAA\n",    /* no more than a key id */
        "text\n\n" DASH "name AAAAAAA\n", /* not base64 */
        "text\n\n" DASH " AAAAAAAA\n",    /* no name */
        "text\n\n" DASH "na+me AAAAAAAA\n",
        "text\n\n" DASH "na\xc2\xa0me AAAAAAAA\n",
        "text\n\n" DASH "name AAAAAAAA \n",
        "te\txt\n\n" DASH "name AAAAAAAA\n",   /* a control */
        "te\xffxt\n\n" DASH "name AAAAAAAA\n", /* not UTF-8 */
        "text\n\n" DASH "name AAAAAAAA\nmore\n",
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++)
        assert_int_equal(check(peter, wrong[i]), NOTE_MALFORMED);
    assert_int_equal(check(peter, "text\n\n" DASH "name AAAAAAAA\n"), NOTE_OTHER_KEY);
}

static void the_last_empty_line_separates(void **state)
{
    struct files *files = *state;
    struct note_problem problem;
    SL_AUTO(note_signer) signer = NULL;
    static const char inner[] = "a\n\n" DASH "forged AAAAAAAA\n";
    uint8_t block[1024];
    struct writer writer = writer_over(block, sizeof block);
    struct slice text;
    size_t n = 0;
    assert_int_equal(note_key_generate(files->key, files->vkey, slice_of_str("x"), &problem),
                     SL_OK);
    assert_int_equal(note_signer_open(files->key, slice_of_str("x"), &problem, &signer), SL_OK);
    assert_int_equal(note_sign(signer, slice_of_str(inner), &writer), SL_OK);
    SL_AUTO(note_verifier) verifier = verifier_of(note_signer_vkey(signer));
    assert_int_equal(note_verify(verifier, writer_slice(&writer), &text, &n), NOTE_VALID);
    assert_true(slice_equals_str(text, inner));
    assert_int_equal(n, 1);
}

static void a_note_has_at_most_so_many_lines_and_bytes(void **state)
{
    (void)state;
    SL_AUTO(note_verifier) peter = verifier_of(peter_vkey);
    static char note[NOTE_BYTES_MAX + 2];
    for (int n_lines = NOTE_SIGNATURES_MAX; n_lines <= NOTE_SIGNATURES_MAX + 1; n_lines++) {
        strcpy(note, "text\n\n");
        for (int i = 0; i < n_lines; i++)
            strcat(note, DASH "name AAAAAAAA\n");
        assert_int_equal(check(peter, note),
                         n_lines > NOTE_SIGNATURES_MAX ? NOTE_MALFORMED : NOTE_OTHER_KEY);
    }
    static const char end[] = "\n\n" DASH "name AAAAAAAA\n";
    for (size_t n = NOTE_BYTES_MAX; n <= NOTE_BYTES_MAX + 1; n++) {
        memset(note, 'x', n);
        strcpy(note + n - (sizeof end - 1), end);
        assert_int_equal(check(peter, note), n > NOTE_BYTES_MAX ? NOTE_MALFORMED : NOTE_OTHER_KEY);
    }
}

static void names_are_printable_and_have_no_blank_or_plus(void **state)
{
    (void)state;
    char longest[NOTE_NAME_BYTES_MAX + 2];
    memset(longest, 'n', sizeof longest);
    assert_true(note_name_is_valid(slice_of_str("sluis.example/ledger")));
    assert_true(note_name_is_valid(slice_of_str("sluis-\xc3\xa9\xe2\x82\xac.example")));
    assert_true(note_name_is_valid(slice_of(longest, NOTE_NAME_BYTES_MAX)));
    assert_false(note_name_is_valid(slice_of(longest, NOTE_NAME_BYTES_MAX + 1)));
    static const char *const wrong[] = {
        "",
        " ",
        "a b",
        "a+b",
        "a\nb",
        "a\tb",
        "a\x7f",
        "\xff",
        "a\xc2\x85",
        "a\xc2\xa0",
        "\xe1\x9a\x80",
        "\xe2\x80\x80",
        "\xe2\x80\x8a",
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",
        "\xe2\x80\xaf",
        "\xe2\x81\x9f",
        "\xe3\x80\x80",
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++)
        assert_false(note_name_is_valid(slice_of_str(wrong[i])));
}

/* ---------------------------------------------------------------------------------- signing -- */

static void what_is_signed_verifies_and_no_flipped_bit_does(void **state)
{
    struct files *files = *state;
    struct note_problem problem;
    SL_AUTO(note_signer) signer = NULL;
    uint8_t block[512];
    struct writer writer = writer_over(block, sizeof block);
    struct slice text;
    size_t n = 0;
    assert_int_equal(
        note_key_generate(files->key, files->vkey, slice_of_str("o.example/x"), &problem), SL_OK);
    assert_int_equal(note_signer_open(files->key, slice_of_str("o.example/x"), &problem, &signer),
                     SL_OK);
    SL_AUTO(note_verifier) verifier = verifier_of(note_signer_vkey(signer));
    for (int again = 0; again < 3; again++) {
        writer = writer_over(block, sizeof block);
        assert_int_equal(note_sign(signer, slice_of_str("o.example/x\n1\nroot\n"), &writer), SL_OK);
        assert_int_equal(note_verify(verifier, writer_slice(&writer), &text, &n), NOTE_VALID);
    }
    for (size_t i = 0; i < writer.n * 8; i++) {
        block[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(note_verify(verifier, writer_slice(&writer), &text, &n), NOTE_VALID);
        block[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t cut = 0; cut < writer.n; cut++)
        assert_int_not_equal(note_verify(verifier, slice_of(block, cut), &text, &n), NOTE_VALID);
}

static void a_note_that_does_not_fit_is_refused(void **state)
{
    struct files *files = *state;
    struct note_problem problem;
    SL_AUTO(note_signer) signer = NULL;
    uint8_t block[100];
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(note_key_generate(files->key, files->vkey, slice_of_str("x"), &problem),
                     SL_OK);
    assert_int_equal(note_signer_open(files->key, slice_of_str("x"), &problem, &signer), SL_OK);
    assert_int_equal(note_sign(signer, slice_of_str("text\n"), &writer), SL_ELIMIT);
}

/* ---------------------------------------------------------------------------------- key files --
 */

static void key_files_are_private_and_never_overwritten(void **state)
{
    struct files *files = *state;
    struct note_problem problem;
    struct stat stat_of_key;
    char vkey[NOTE_VKEY_BYTES_MAX + 2] = "";
    assert_int_equal(note_key_generate(files->key, files->vkey, slice_of_str("x"), &problem),
                     SL_OK);
    assert_int_equal(stat(files->key, &stat_of_key), 0);
    assert_int_equal(stat_of_key.st_mode & 07777, 0600);
    FILE *file = fopen(files->vkey, "re");
    assert_non_null(file);
    assert_non_null(fgets(vkey, sizeof vkey, file));
    fclose(file);
    assert_true(vkey[strlen(vkey) - 1] == '\n');

    assert_int_equal(note_key_generate(files->key, files->vkey, slice_of_str("x"), &problem),
                     SL_ESTORE);
    /* Only the vkey is in the way: then no key is left behind, either. */
    assert_int_equal(unlink(files->key), 0);
    assert_int_equal(note_key_generate(files->key, files->vkey, slice_of_str("x"), &problem),
                     SL_ESTORE);
    assert_int_equal(access(files->key, F_OK), -1);
    assert_int_equal(note_key_generate(files->key, files->vkey, slice_of_str("a b"), &problem),
                     SL_EMALFORMED);
}

static void assert_no_signer(const char *key_file, const char *name, const char *expected)
{
    struct note_problem problem = {""};
    struct note_signer *untouched = NULL;
    assert_int_not_equal(note_signer_open(key_file, slice_of_str(name), &problem, &untouched),
                         SL_OK);
    assert_null(untouched);
    if (!strstr(problem.text, expected))
        fail_msg("expected \"%s\" in \"%s\"", expected, problem.text);
}

static void write_pem(const char *path, EVP_PKEY *key, const char *password)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    if (key)
        assert_int_equal(PEM_write_PrivateKey(file, key, password ? EVP_aes_128_cbc() : NULL,
                                              (const unsigned char *)password,
                                              password ? (int)strlen(password) : 0, NULL, NULL),
                         1);
    else
        fputs("this is not a key\n", file);
    fclose(file);
}

static void a_key_file_that_cannot_be_used_is_named_with_the_reason(void **state)
{
    struct files *files = *state;
    struct note_problem problem;
    assert_no_signer("/nowhere/key.pem", "x", "/nowhere/key.pem");
    write_pem(files->key, NULL, NULL);
    assert_no_signer(files->key, "x", "no Ed25519 private key");
    EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    write_pem(files->key, rsa, NULL);
    EVP_PKEY_free(rsa);
    assert_no_signer(files->key, "x", "no Ed25519 private key");
    EVP_PKEY *locked = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    write_pem(files->key, locked, "password");
    EVP_PKEY_free(locked);
    assert_no_signer(files->key, "x", "without a password");
    assert_int_equal(unlink(files->key), 0);

    assert_int_equal(note_key_generate(files->key, files->vkey, slice_of_str("x"), &problem),
                     SL_OK);
    assert_no_signer(files->key, "a b", "origin");
    assert_int_equal(chmod(files->key, 0644), 0);
    assert_no_signer(files->key, "x", "chmod 600");
}

int main(void)
{
#define NOTE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        NOTE_TEST(a_published_note_verifies),
        NOTE_TEST(published_keys_are_keys_and_others_are_not),
        NOTE_TEST(another_key_is_told_from_a_bad_signature),
        NOTE_TEST(lines_of_other_keys_are_ignored),
        NOTE_TEST(what_is_not_a_note_is_malformed),
        NOTE_TEST(the_last_empty_line_separates),
        NOTE_TEST(a_note_has_at_most_so_many_lines_and_bytes),
        NOTE_TEST(names_are_printable_and_have_no_blank_or_plus),
        NOTE_TEST(what_is_signed_verifies_and_no_flipped_bit_does),
        NOTE_TEST(a_note_that_does_not_fit_is_refused),
        NOTE_TEST(key_files_are_private_and_never_overwritten),
        NOTE_TEST(a_key_file_that_cannot_be_used_is_named_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
