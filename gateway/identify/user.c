/*
 * user.c - takes the escapes out, once
 *
 * What comes out is only ever compared with names that the store has, or hashed: it is no path any
 * more. So every byte may be in it, also those that a request's target can't hold (the guard
 * refuses an escaped slash, dot segment or NUL before anybody gets here).
 */
#include "identify/user.h"

#include <string.h>

/* pchar of RFC 3986 without the escapes: unreserved, sub-delims, ":" and "@". */
static bool is_plain(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != 0 && strchr("-._~!$&'()*+,;=:@", byte));
}

static int hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool user_read(struct slice segment, struct writer *out)
{
    uint8_t name[LIMIT_MAX_account_user_bytes];
    size_t n = 0;
    for (size_t i = 0; i < segment.n; i++) {
        if (n == sizeof name)
            return false;
        if (segment.p[i] != '%') {
            if (!is_plain(segment.p[i]))
                return false;
            name[n++] = segment.p[i];
            continue;
        }
        if (segment.n - i < 3)
            return false;
        const int high = hex_value(segment.p[i + 1]), low = hex_value(segment.p[i + 2]);
        if (high < 0 || low < 0)
            return false;
        name[n++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    if (n == 0)
        return false;
    write_bytes(out, slice_of(name, n));
    return true;
}
