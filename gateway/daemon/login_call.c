/*
 * login_call.c - only a running sluisd has a page, so this is no call that `sluis` answers itself
 */
#include "daemon/login_call.h"

#include "daemon/calls.h"
#include "edge/page/page.h"
#include "edge/page/session.h"

#include <openssl/crypto.h>
#include <string.h>

bool login_is_call(const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "call"));
    return name && strcmp(name, "login") == 0;
}

static json_t *link_for(struct page *page, const uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    char link[PAGE_LINK_BYTES];
    if (page_login_link(page, id, link) != SL_OK)
        return json_pack("{s:s, s:s}", "outcome", "failed", "text", "no random bytes could be had");
    json_t *answer = json_pack("{s:s, s:s, s:i}", "outcome", "link", "link", link, "seconds",
                               SESSION_LINK_MS / 1000);
    OPENSSL_cleanse(link, sizeof link);
    return answer;
}

json_t *login_call(struct node *node, const json_t *request)
{
    const json_t *subject = json_object_get(request, "subject");
    if (!json_is_string(subject) || json_object_size(request) != 2)
        return calls_misused("\"login\" has one member, \"subject\", a text");
    struct page *page = atomic_load(&node->page);
    if (!page)
        return json_pack("{s:s}", "outcome", "no_page");

    SL_AUTO(store_reader) reader = NULL;
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    bool found = false;
    const struct slice name = slice_of(json_string_value(subject), json_string_length(subject));
    if (store_reader_new(node->store, &reader) != SL_OK ||
        store_find(reader, name, id, &found) != SL_OK)
        return json_pack("{s:s, s:s}", "outcome", "failed", "text", "the store can't be read");
    return found ? link_for(page, id) : json_pack("{s:s}", "outcome", "no_subject");
}
