/*
 * html.h - text into HTML: nothing from outside gets there any other way
 *
 * Shape   html_text() for what stands between tags and inside quoted attributes (WHATWG HTML
 *         section 13.3); markup of our own is written with write_str()
 */
#ifndef SLUIS_EDGE_PAGE_HTML_H
#define SLUIS_EDGE_PAGE_HTML_H

#include "base/writer.h"

/* With & < > " ' escaped. Controls and what is not UTF-8 become U+FFFD, bidi overrides too. */
void html_text(struct writer *writer, struct slice text);
void html_str(struct writer *writer, const char *text);
/*
 * A name or a text that others chose, in an element of its own that keeps its direction to itself
 * (<bdi>), so that right-to-left text does not turn its surroundings around.
 */
void html_name(struct writer *writer, struct slice text);

#endif
