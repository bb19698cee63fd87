/*
 * fuzz_vkey_list.c - a file of keys: what is accepted is one name, no key twice, and written again
 * it reads the same
 */
#include "ledger/vkey_list.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vkey_list list, again;
    static uint8_t text[VKEY_LIST_BYTES_MAX];
    size_t line, place;
    if (vkey_list_parse(slice_of(data, size), &list, &line) != SL_OK)
        return 0;
    struct writer writer = writer_over(text, sizeof text);
    require(list.n > 0 && list.n <= VKEY_LIST_KEYS_MAX);
    for (size_t i = 0; i < list.n; i++) {
        require(slice_equals(list.keys[i].name, vkey_list_name(&list)));
        require(vkey_list_find(&list, &list.keys[i], &place) && place == i);
        write_vkey(&writer, list.keys[i].name, list.keys[i].key);
        write_str(&writer, "\n");
    }
    require(!writer.overflow);
    require(vkey_list_parse(writer_slice(&writer), &again, &line) == SL_OK && again.n == list.n);
    for (size_t i = 0; i < list.n; i++)
        require(vkey_equals(&list.keys[i], &again.keys[i]));
    return 0;
}
