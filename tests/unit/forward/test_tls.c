/*
 * TLS to an app: who is trusted, and that nobody else ever sees a request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call.h"
#include "certificates.h"

#include "forward/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct authority authority;
static const struct certificate_order good = {.names = "DNS:app.example"};

static int group_setup(void **state)
{
    (void)state;
    authority_init(&authority);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    authority_deinit(&authority);
    return 0;
}

static void app_shows(struct bench *bench, struct authority *signer,
                      const struct certificate_order *order)
{
    bench->config.tls = true;
    bench->config.ca_file = authority.pem_path;
    bench->peer.tls = server_context(signer, order);
    bench->peer.request = peer_answer_empty;
}

static void assert_trusted(struct bench *bench)
{
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(bench->peer.n_requests, 1);
}

static void assert_not_trusted(struct bench *bench)
{
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_UNREACHABLE);
    assert_int_equal(call.n_heads, 0);
    assert_int_equal(bench->peer.n_requests, 0);
}

static void the_right_name_is_trusted(void **state)
{
    app_shows(*state, &authority, &good);
    assert_trusted(*state);
}

static void a_port_is_not_part_of_the_name(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &good);
    bench->config.host = slice_of_str("app.example:8443");
    assert_trusted(bench);
}

static void a_wildcard_for_a_whole_label_is_trusted(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &(struct certificate_order){.names = "DNS:*.app.example"});
    bench->config.host = slice_of_str("v1.app.example");
    assert_trusted(bench);
}

static void an_address_in_the_certificate_is_trusted(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &(struct certificate_order){.names = "IP:127.0.0.1"});
    bench->config.host = slice_of_str("127.0.0.1:8443");
    assert_trusted(bench);
}

static void an_address_of_version_6_stands_in_brackets(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &(struct certificate_order){.names = "IP:::1"});
    bench->config.host = slice_of_str("[::1]:8443");
    assert_trusted(bench);
}

static void tls_1_2_is_the_least_that_is_spoken(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &good);
    assert_int_equal(SSL_CTX_set_max_proto_version(bench->peer.tls, TLS1_2_VERSION), 1);
    assert_trusted(bench);
}

static void tls_1_1_is_refused(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &good);
    SSL_CTX_set_security_level(bench->peer.tls, 0);
    assert_int_equal(SSL_CTX_set_min_proto_version(bench->peer.tls, TLS1_1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(bench->peer.tls, TLS1_1_VERSION), 1);
    assert_not_trusted(bench);
}

static void another_name_is_refused(void **state)
{
    app_shows(*state, &authority,
              &(struct certificate_order){.names = "DNS:app.example.org,DNS:example,DNS:xapp"});
    assert_not_trusted(*state);
}

static void a_wildcard_inside_a_label_is_refused(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &(struct certificate_order){.names = "DNS:v*.app.example"});
    bench->config.host = slice_of_str("v1.app.example");
    assert_not_trusted(bench);
}

static void a_common_name_is_not_a_host_name(void **state)
{
    app_shows(*state, &authority, &(struct certificate_order){.common_name = "app.example"});
    assert_not_trusted(*state);
}

static void a_name_does_not_stand_for_an_address(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &(struct certificate_order){.names = "DNS:127.0.0.1"});
    bench->config.host = slice_of_str("127.0.0.1");
    assert_not_trusted(bench);
}

static void another_address_is_refused(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &(struct certificate_order){.names = "IP:127.0.0.2"});
    bench->config.host = slice_of_str("127.0.0.1");
    assert_not_trusted(bench);
}

static void an_expired_certificate_is_refused(void **state)
{
    app_shows(*state, &authority,
              &(struct certificate_order){good.names, NULL, NULL, -7200, -3600});
    assert_not_trusted(*state);
}

static void a_certificate_of_the_future_is_refused(void **state)
{
    app_shows(*state, &authority, &(struct certificate_order){good.names, NULL, NULL, 3600, 7200});
    assert_not_trusted(*state);
}

static void a_certificate_for_clients_is_refused(void **state)
{
    app_shows(*state, &authority,
              &(struct certificate_order){.names = good.names, .usage = "clientAuth"});
    assert_not_trusted(*state);
}

/* It has the same name, so only the signature tells them apart. */
static void another_authority_is_refused(void **state)
{
    struct authority rogue;
    authority_init(&rogue);
    app_shows(*state, &rogue, &good);
    assert_not_trusted(*state);
    authority_deinit(&rogue);
}

static void the_systems_authorities_do_not_know_ours(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &good);
    bench->config.ca_file = NULL;
    assert_not_trusted(bench);
}

static void an_app_that_speaks_no_tls_gets_no_request(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &good);
    SSL_CTX_free(bench->peer.tls);
    bench->peer.tls = NULL;
    bench->limits.app_connect_ms = 50; /* it waits for a request line, which never comes */
    assert_not_trusted(bench);
}

static void send_plain_answer(struct peer_connection *connection)
{
    peer_send_str(connection, PEER_EMPTY_ANSWER);
}

static void a_plain_answer_to_a_handshake_is_refused(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &good);
    SSL_CTX_free(bench->peer.tls);
    bench->peer.tls = NULL;
    bench->peer.accepted = send_plain_answer;
    assert_not_trusted(bench);
}

/* Tickets come after the handshake: they must not be taken for unasked answers. */
static void a_connection_is_kept_across_session_tickets(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &good);
    SSL_CTX_set_num_tickets(bench->peer.tls, 4);
    struct call call;
    for (int i = 0; i < 5; i++)
        assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(upstream_counters(bench->upstream).n_connects, 1);
    assert_int_equal(upstream_counters(bench->upstream).n_reused, 4);
}

static void stop_loop(struct peer_connection *connection)
{
    loop_stop(connection->peer->loop);
}

static void bytes_on_an_idle_connection_close_it(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &good);
    bench->peer.client_closed = stop_loop;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    peer_send_str(peer_find(&bench->peer, 0), PEER_EMPTY_ANSWER);
    bench_run(bench);
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(upstream_counters(bench->upstream).n_connects, 2);
}

static const char *answer_of_the_moment;
static void (*ending_of_the_moment)(struct peer_connection *connection);

static void answer_as_told(struct peer_connection *connection, struct slice text)
{
    (void)text;
    peer_send_str(connection, answer_of_the_moment);
    if (ending_of_the_moment)
        ending_of_the_moment(connection);
}

static void an_end_without_close_notify_cuts_the_answer_off(void **state)
{
    struct bench *bench = *state;
    app_shows(bench, &authority, &good);
    bench->peer.request = answer_as_told;
    answer_of_the_moment = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    struct call call;
    ending_of_the_moment = peer_close;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    ending_of_the_moment = peer_cut;
    assert_int_equal(call_once(bench, &call), UPSTREAM_CUT_OFF);
}

static void answers_of_every_framing_are_complete(void **state)
{
    struct bench *bench = *state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    };
    app_shows(bench, &authority, &good);
    bench->peer.request = answer_as_told;
    ending_of_the_moment = NULL;
    for (unsigned i = 0; i < 2 * SL_LENGTH(answers); i++) {
        struct call call;
        answer_of_the_moment = answers[i / 2];
        bench->peer.dribble_bytes = i % 2; /* 1: a record for each byte */
        call_start(bench, &call, "/");
        bench_run_until_done(bench, i + 1);
        assert_answered(&call, 200, "hello");
        call_deinit(&call);
    }
    assert_int_equal(upstream_counters(bench->upstream).n_connects, 1);
}

static void a_large_body_arrives_whole(void **state)
{
    struct bench *bench = *state;
    enum { BODY_BYTES = 1000000 };
    char *text = malloc(BODY_BYTES + 100);
    assert_non_null(text);
    int n_head = snprintf(text, 100, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_BYTES);
    for (size_t i = 0; i < BODY_BYTES; i++)
        text[(size_t)n_head + i] = (char)('a' + i * 7 % 26);
    text[n_head + BODY_BYTES] = 0;
    app_shows(bench, &authority, &good);
    bench->peer.request = answer_as_told;
    answer_of_the_moment = text;
    ending_of_the_moment = NULL;
    for (unsigned i = 0; i < 2; i++) {
        struct call call;
        call_start(bench, &call, "/");
        bench_run_until_done(bench, i + 1);
        assert_answered(&call, 200, text + n_head);
        call_deinit(&call);
    }
    assert_int_equal(upstream_counters(bench->upstream).n_connects, 1);
    free(text);
}

static void hosts_that_are_no_names_make_no_client(void **state)
{
    (void)state;
    struct tls_client *client = NULL;
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    assert_int_equal(tls_client_new(slice_of_str(""), NULL, &client), SL_EMALFORMED);
    assert_int_equal(tls_client_new(slice_of_str(":443"), NULL, &client), SL_EMALFORMED);
    assert_int_equal(tls_client_new(slice_of_str("[::1"), NULL, &client), SL_EMALFORMED);
    assert_int_equal(tls_client_new(slice_of_str("[]"), NULL, &client), SL_EMALFORMED);
    assert_int_equal(tls_client_new(slice_of("a\0b", 3), NULL, &client), SL_EMALFORMED);
    assert_int_equal(tls_client_new(slice_of(long_name, 256), NULL, &client), SL_EMALFORMED);
    assert_null(client);
    assert_int_equal(tls_client_new(slice_of(long_name, 255), NULL, &client), SL_OK);
    tls_client_free(client);
}

static void a_bundle_that_can_not_be_read_makes_no_client(void **state)
{
    (void)state;
    struct tls_client *client = NULL;
    struct slice host = slice_of_str("app.example");
    assert_int_equal(tls_client_new(host, "/nonexistent/ca.pem", &client), SL_EMALFORMED);
    assert_int_equal(tls_client_new(host, "/dev/null", &client), SL_EMALFORMED);
    assert_null(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_right_name_is_trusted),
        TEST(a_port_is_not_part_of_the_name),
        TEST(a_wildcard_for_a_whole_label_is_trusted),
        TEST(an_address_in_the_certificate_is_trusted),
        TEST(an_address_of_version_6_stands_in_brackets),
        TEST(tls_1_2_is_the_least_that_is_spoken),
        TEST(tls_1_1_is_refused),
        TEST(another_name_is_refused),
        TEST(a_wildcard_inside_a_label_is_refused),
        TEST(a_common_name_is_not_a_host_name),
        TEST(a_name_does_not_stand_for_an_address),
        TEST(another_address_is_refused),
        TEST(an_expired_certificate_is_refused),
        TEST(a_certificate_of_the_future_is_refused),
        TEST(a_certificate_for_clients_is_refused),
        TEST(another_authority_is_refused),
        TEST(the_systems_authorities_do_not_know_ours),
        TEST(an_app_that_speaks_no_tls_gets_no_request),
        TEST(a_plain_answer_to_a_handshake_is_refused),
        TEST(a_connection_is_kept_across_session_tickets),
        TEST(bytes_on_an_idle_connection_close_it),
        TEST(an_end_without_close_notify_cuts_the_answer_off),
        TEST(answers_of_every_framing_are_complete),
        TEST(a_large_body_arrives_whole),
        cmocka_unit_test(hosts_that_are_no_names_make_no_client),
        cmocka_unit_test(a_bundle_that_can_not_be_read_makes_no_client),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
