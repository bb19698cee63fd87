/*
 * html.c - escaping
 */
#include "edge/page/html.h"

#include "base/utf8.h"

static const char *entity_of(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Controls, and what would turn around the order of the text that follows. */
static bool is_unwanted(uint32_t code_point)
{
    return (code_point < 0x20 && code_point != '\n' && code_point != '\t') ||
           (code_point >= 0x7F && code_point < 0xA0) ||
           (code_point >= 0x202A && code_point <= 0x202E) ||
           (code_point >= 0x2066 && code_point <= 0x2069);
}

void html_text(struct writer *writer, struct slice text)
{
    static const struct slice replacement = SLICE_LITERAL("\xEF\xBF\xBD");
    while (text.n > 0) {
        size_t n = utf8_sequence_bytes(text);
        const bool is_text = n > 0 && !is_unwanted(utf8_code_point(text, &n));
        n = n > 0 ? n : 1;
        const char *entity = n == 1 ? entity_of(text.p[0]) : NULL;
        if (!is_text)
            write_bytes(writer, replacement);
        else if (entity)
            write_str(writer, entity);
        else
            write_bytes(writer, slice_of(text.p, n));
        text = slice_of(text.p + n, text.n - n);
    }
}

void html_str(struct writer *writer, const char *text)
{
    html_text(writer, slice_of_str(text));
}

void html_name(struct writer *writer, struct slice text)
{
    write_str(writer, "<bdi>");
    html_text(writer, text);
    write_str(writer, "</bdi>");
}
