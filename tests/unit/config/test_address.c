/*
 * test_address.c - where to listen and where apps are; `listen` and `apps` with it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const char listen_at[] = "127.0.0.1:8460";
static const char url[] = "http://127.0.0.1:9101";

static void listening_takes_numbers_only(void **state)
{
    struct fixture *fixture = *state;
    static const char *const refused[] = {
        "localhost:8460",   "127.0.0.1",         "\"127.0.0.1:\"",
        "127.0.0.1:65536",  "127.0.0.1:-1",      ":8460",
        "127.0.0.1:8460:1", "\"[::1]\"",         "\"[::1:8460\"",
        "\"::1:8460\"",     "127.0.0.1:+1",      "\"127.0.0.1:84 60\"",
        "127.0.0.256:1",    "\"[127.0.0.1]:1\"",
    };
    for (size_t i = 0; i < SL_LENGTH(refused); i++)
        assert_one_problem(fixture, fixture_text(listen_at, refused[i], NULL), 6, 13,
                           "expected an address and a port");
    assert_one_problem(fixture, fixture_text(listen_at, "[a]", NULL), 6, 13, "in quotes");
}

static void listening_on_a_loopback_address_needs_no_tls(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_text(listen_at, "127.9.9.9:1", NULL));
    assert_accepted(fixture, fixture_text(listen_at, "127.0.0.1:0", NULL));
    assert_accepted(fixture, fixture_text(listen_at, "\"[::1]:65535\"", NULL));
    const struct config_listener *listener = &fixture->config->partners_listener;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&listener->address;
    assert_int_equal(listener->address_bytes, sizeof *in6);
    assert_int_equal(in6->sin6_family, AF_INET6);
    assert_int_equal(ntohs(in6->sin6_port), 65535);
}

static void listening_on_any_other_address_needs_tls(void **state)
{
    struct fixture *fixture = *state;
    static const char *const open_to_others[] = {"0.0.0.0:8460", "192.0.2.1:8460", "\"[::]:8460\"",
                                                 "\"[2001:db8::1]:8460\""};
    fixture_write(fixture, "cert.pem", "certificate", 0644);
    fixture_write(fixture, "key.pem", "key", 0600);
    for (size_t i = 0; i < SL_LENGTH(open_to_others); i++) {
        assert_one_problem(fixture, fixture_text(listen_at, open_to_others[i], NULL), 6, 13,
                           "expected `tls`");
        char with_tls[128];
        snprintf(with_tls, sizeof with_tls, "%s\n  tls: {certificate: cert.pem, key: key.pem}",
                 open_to_others[i]);
        assert_accepted(fixture, fixture_text(listen_at, with_tls, NULL));
    }
    char path[96];
    snprintf(path, sizeof path, "%s/key.pem", fixture->folder);
    assert_string_equal(fixture->config->partners_listener.private_key, path);
}

static void tls_files_must_be_there_and_the_key_private(void **state)
{
    struct fixture *fixture = *state;
    static const char with_tls[] = "127.0.0.1:8460\n  tls: {certificate: cert.pem, key: key.pem}";
    fixture_write(fixture, "cert.pem", "certificate", 0644);
    assert_one_problem(fixture, fixture_text(listen_at, with_tls, NULL), 7, 37, "No such file");
    fixture_write(fixture, "key.pem", "key", 0640);
    assert_one_problem(fixture, fixture_text(listen_at, with_tls, NULL), 7, 37, "chmod 600");
    fixture_write(fixture, "key.pem", "key", 0600);
    fixture_write(fixture, "cert.pem", "", 0644);
    assert_one_problem(fixture, fixture_text(listen_at, with_tls, NULL), 7, 22, "is empty");
    assert_one_problem(fixture,
                       fixture_text(listen_at, "127.0.0.1:8460\n  tls: {key: key.pem}", NULL), 7, 8,
                       "`tls` has no `certificate`");
}

static void threads_are_between_1_and_64(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_text(listen_at, "127.0.0.1:1\n  threads: 64", NULL));
    assert_int_equal(fixture->config->n_threads, 64);
    assert_one_problem(fixture, fixture_text(listen_at, "127.0.0.1:1\n  threads: 65", NULL), 7, 12,
                       "expected a number from 1 to 64");
    assert_one_problem(fixture, fixture_text(listen_at, "127.0.0.1:1\n  threads: 0", NULL), 7, 12,
                       "expected a number from 1 to 64");
}

struct good_url {
    const char *url, *host, *name;
    bool tls;
    uint16_t port;
};

static void urls_give_host_and_address(void **state)
{
    struct fixture *fixture = *state;
    static const struct good_url urls[] = {
        {"http://127.0.0.1:9101", "127.0.0.1:9101", "127.0.0.1", false, 9101},
        {"http://127.0.0.1", "127.0.0.1", "127.0.0.1", false, 80},
        {"http://127.0.0.1:443", "127.0.0.1:443", "127.0.0.1", false, 443},
        {"http://[::1]:80", "[::1]", "::1", false, 80},
        {"http://localhost:9101", "localhost:9101", "localhost", false, 9101},
        {"https://192.0.2.1", "192.0.2.1", "192.0.2.1", true, 443},
        {"https://music.example:443", "music.example", "music.example", true, 443},
        {"https://music.example:80", "music.example:80", "music.example", true, 80},
    };
    for (size_t i = 0; i < SL_LENGTH(urls); i++) {
        assert_accepted(fixture, fixture_text(url, urls[i].url, NULL));
        const struct config_app *app = &fixture->config->apps[0];
        const struct sockaddr_in *in = (const struct sockaddr_in *)&app->peer.address;
        assert_true(slice_equals_str(app->peer.host, urls[i].host));
        assert_true(slice_equals_str(app->peer.host_name, urls[i].name));
        assert_int_equal(app->peer.tls, urls[i].tls);
        assert_int_equal(ntohs(in->sin_port), urls[i].port);
    }
}

static void http_to_another_machine_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const refused[] = {"http://192.0.2.1", "http://music.example",
                                          "http://[2001:db8::1]:80", "http://0.0.0.0"};
    for (size_t i = 0; i < SL_LENGTH(refused); i++)
        assert_one_problem(fixture, fixture_text(url, refused[i], NULL), 10, 10,
                           "expected https, or a loopback address");
}

static void a_url_of_another_form_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const refused[] = {
        "ftp://127.0.0.1",        "127.0.0.1:80",       "http://",      "http://127.0.0.1:0",
        "http://127.0.0.1:65536", "http://127.0.0.1:x", "https://[::1", "http:///"};
    for (size_t i = 0; i + 1 < SL_LENGTH(refused); i++)
        assert_one_problem(fixture, fixture_text(url, refused[i], NULL), 10, 10,
                           "expected a url such as");
    static const char *const names[] = {"http://a_b",   "https://-a", "https://a-",
                                        "https://a..b", "https://.a", "https://[::g]"};
    for (size_t i = 0; i < SL_LENGTH(names); i++)
        assert_one_problem(fixture, fixture_text(url, names[i], NULL), 10, 10,
                           "is no host name and no address");
}

static void a_path_query_or_user_in_a_url_is_refused_where_it_stands(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text(url, "http://127.0.0.1:9101/v1", NULL), 10, 31,
                       "`forward`");
    assert_one_problem(fixture, fixture_text(url, "http://127.0.0.1/", NULL), 10, 26, "`forward`");
    assert_one_problem(fixture, fixture_text(url, "http://127.0.0.1?a=b", NULL), 10, 26,
                       "`forward`");
    assert_one_problem(fixture, fixture_text(url, "http://me:pw@127.0.0.1", NULL), 10, 22,
                       "`token_file`");
}

static void a_name_that_does_not_resolve_is_refused_with_advice(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text(url, "https://nowhere.example", NULL), 10, 10,
                       "can't be resolved");
}

static void the_systems_resolver_pins_an_address(void **state)
{
    (void)state;
    struct sockaddr_storage address;
    socklen_t n;
    assert_int_equal(config_resolve("127.0.0.1", 9101, &address, &n), 0);
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
    assert_int_equal(in->sin_family, AF_INET);
    assert_int_equal(ntohs(in->sin_port), 9101);
    assert_int_equal(ntohl(in->sin_addr.s_addr), 0x7f000001);
    assert_int_not_equal(config_resolve("", 1, &address, &n), 0);
}

static void an_app_token_is_one_private_line(void **state)
{
    struct fixture *fixture = *state;
    static const char with_token[] = "http://127.0.0.1:9101\n    token_file: app.token";
    assert_one_problem(fixture, fixture_text(url, with_token, NULL), 11, 17, "No such file");
    fixture_write(fixture, "app.token", "secret-token\n", 0644);
    assert_one_problem(fixture, fixture_text(url, with_token, NULL), 11, 17, "chmod 600");
    fixture_write(fixture, "app.token", "two words\n", 0600);
    assert_one_problem(fixture, fixture_text(url, with_token, NULL), 11, 17, "blanks");
    fixture_write(fixture, "app.token", "two\nlines\n", 0600);
    assert_one_problem(fixture, fixture_text(url, with_token, NULL), 11, 17, "blanks");
    fixture_write(fixture, "app.token", "\n", 0600);
    assert_one_problem(fixture, fixture_text(url, with_token, NULL), 11, 17, "no token");
    fixture_write(fixture, "app.token", "secret-token\n", 0600);
    assert_accepted(fixture, fixture_text(url, with_token, NULL));
    assert_true(slice_equals_str(fixture->config->apps[0].peer.token, "secret-token"));
    fixture_write(fixture, "app.token", "secret-token", 0400);
    assert_accepted(fixture, fixture_text(url, with_token, NULL));
    assert_true(slice_equals_str(fixture->config->apps[0].peer.token, "secret-token"));
    assert_int_equal(fixture->config->apps[1].peer.token.n, 0);
}

static void a_ca_needs_an_app_with_tls(void **state)
{
    struct fixture *fixture = *state;
    fixture_write(fixture, "ca.pem", "certificate", 0644);
    assert_one_problem(fixture, fixture_text(url, "http://127.0.0.1:1\n    ca: ca.pem", NULL), 11,
                       5, "without TLS");
    assert_accepted(fixture, fixture_text(url, "https://127.0.0.1:1\n    ca: ca.pem", NULL));
    assert_non_null(strstr(fixture->config->apps[0].peer.ca_file, "/ca.pem"));
    assert_one_problem(fixture, fixture_text(url, "https://127.0.0.1:1\n    ca: no.pem", NULL), 11,
                       9, "No such file");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static void the_ledger_is_served_only_where_an_address_says_so(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_text(listen_at, listen_at, NULL));
    assert_int_equal(fixture->config->ledger_listener.text.n, 0);
    assert_accepted(fixture, fixture_text(listen_at, "127.0.0.1:1\n  ledger: 127.0.0.1:2", NULL));
    assert_true(slice_equals_str(fixture->config->ledger_listener.text, "127.0.0.1:2"));
    assert_accepted(fixture, fixture_text(listen_at, "127.0.0.1:0\n  ledger: 127.0.0.1:0", NULL));
    assert_one_problem(fixture, fixture_text(listen_at, "127.0.0.1:1\n  ledger: there", NULL), 7,
                       11, "an address and a port");
    assert_one_problem(fixture, fixture_text(listen_at, "127.0.0.1:1\n  ledger: 127.0.0.1:1", NULL),
                       7, 11, "is where partners come in; expected another port");
}

static void the_ledger_where_others_can_reach_it_needs_tls_like_partners(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text(listen_at, "127.0.0.1:1\n  ledger: 0.0.0.0:2", NULL),
                       7, 11, "can be reached from other machines");
    char path[96];
    fixture_write(fixture, "cert.pem", "certificate", 0644);
    fixture_write(fixture, "key.pem", "key", 0600);
    assert_accepted(fixture, fixture_text(listen_at,
                                          "127.0.0.1:1\n  ledger: 0.0.0.0:2\n"
                                          "  tls: {certificate: cert.pem, key: key.pem}",
                                          NULL));
    snprintf(path, sizeof path, "%s/cert.pem", fixture->folder);
    assert_string_equal(fixture->config->ledger_listener.certificate, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(listening_takes_numbers_only),
        TEST(the_ledger_is_served_only_where_an_address_says_so),
        TEST(the_ledger_where_others_can_reach_it_needs_tls_like_partners),
        TEST(listening_on_a_loopback_address_needs_no_tls),
        TEST(listening_on_any_other_address_needs_tls),
        TEST(tls_files_must_be_there_and_the_key_private),
        TEST(threads_are_between_1_and_64),
        TEST(urls_give_host_and_address),
        TEST(http_to_another_machine_is_refused),
        TEST(a_url_of_another_form_is_refused),
        TEST(a_path_query_or_user_in_a_url_is_refused_where_it_stands),
        TEST(a_name_that_does_not_resolve_is_refused_with_advice),
        cmocka_unit_test(the_systems_resolver_pins_an_address),
        TEST(an_app_token_is_one_private_line),
        TEST(a_ca_needs_an_app_with_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
