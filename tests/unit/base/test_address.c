/*
 * Addresses in numbers, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/address.h"

#include <netinet/in.h>
#include <string.h>

static struct sockaddr_storage address;
static socklen_t address_bytes;

static bool parses(const char *text)
{
    return address_parse(slice_of_str(text), &address, &address_bytes);
}

static void numbers_with_a_port_are_addresses(void **state)
{
    (void)state;
    assert_true(parses("127.0.0.1:8460"));
    assert_int_equal(address.ss_family, AF_INET);
    assert_int_equal(address_bytes, sizeof(struct sockaddr_in));
    assert_int_equal(((struct sockaddr_in *)&address)->sin_port, htons(8460));
    assert_true(address_is_loopback(&address));
    assert_true(parses("[::1]:65535"));
    assert_int_equal(address.ss_family, AF_INET6);
    assert_int_equal(address_bytes, sizeof(struct sockaddr_in6));
    assert_int_equal(((struct sockaddr_in6 *)&address)->sin6_port, htons(65535));
    assert_true(address_is_loopback(&address));
    assert_true(parses("192.0.2.1:0"));
    assert_false(address_is_loopback(&address));
    assert_true(parses("[2001:db8::1]:1"));
    assert_false(address_is_loopback(&address));
}

static void everything_else_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      "127.0.0.1", "127.0.0.1:",     "127.0.0.1:65536", "127.0.0.1:08460", "::1:80",
        "[::1]", "[::1:80",   "[::1]80",        "localhost:80",    "127.0.0.1:+80",   ":80",
        "[]:80", "127.1:80",  "[127.0.0.1]:80", "127.0.0.1:80 ",   " 127.0.0.1:80",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(parses(bad[i]));
}

static void a_host_and_its_port_are_told_apart(void **state)
{
    (void)state;
    struct host_port parts;
    char host[HOST_BYTES_MAX + 1], longest[HOST_BYTES_MAX + 2];
    assert_true(host_port_split(slice_of_str("api.example.org:8443"), &parts));
    host_copy(parts.host, host);
    assert_string_equal(host, "api.example.org");
    assert_true(slice_equals_str(parts.port, "8443"));
    assert_true(host_port_split(slice_of_str("api.example.org"), &parts));
    assert_null(parts.port.p);
    memset(longest, 'a', sizeof longest);
    assert_true(host_port_split(slice_of(longest, HOST_BYTES_MAX), &parts));
    assert_false(host_port_split(slice_of(longest, HOST_BYTES_MAX + 1), &parts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_with_a_port_are_addresses),
        cmocka_unit_test(everything_else_is_not),
        cmocka_unit_test(a_host_and_its_port_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
