/*
 * fuzz_form.c - any bytes as a form, as cookies, and as text of a page
 *
 * Property: what is read as a form lies in the room and is UTF-8 without NUL, and no name comes
 * twice; escaped text holds no markup.
 */
#include "base/err.h"
#include "base/utf8.h"
#include "edge/page/form.h"
#include "edge/page/html.h"

#include <stdlib.h>

static void check_form(struct slice input)
{
    uint8_t *room = malloc(input.n + 1);
    SL_ASSERT(room);
    struct form form;
    if (form_parse(input, room, &form)) {
        SL_ASSERT(form.n <= FORM_FIELDS_MAX);
        for (size_t i = 0; i < form.n; i++) {
            struct slice name = form.fields[i].name, value = form.fields[i].value;
            SL_ASSERT(utf8_is_valid(name) && utf8_is_valid(value));
            SL_ASSERT(name.p >= room && value.p + value.n <= room + input.n);
            SL_ASSERT(value.n == 0 || !memchr(value.p, 0, value.n));
            for (size_t j = 0; j < i; j++)
                SL_ASSERT(!slice_equals(form.fields[j].name, name));
        }
    }
    free(room);
}

static void check_html(struct slice input)
{
    const size_t cap = input.n * 6 + 1;
    char *block = malloc(cap);
    SL_ASSERT(block);
    struct writer writer = writer_over(block, cap);
    html_text(&writer, input);
    SL_ASSERT(!writer.overflow && utf8_is_valid(writer_slice(&writer)));
    for (size_t i = 0; i < writer.n; i++)
        SL_ASSERT(!memchr("<>\"'", writer.block[i], 4));
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice input = slice_of(data, size);
    struct slice cookie;
    check_form(input);
    check_html(input);
    if (cookie_get(input, "__Host-sluis", &cookie))
        SL_ASSERT(cookie.p >= data && cookie.p + cookie.n <= data + size);
    return 0;
}
