/*
 * fuzz_archive_manifest.c - the manifest of an archive: what is accepted has one text
 */
#include "ledger/archive_manifest.h"

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
    struct archive_manifest manifest;
    uint8_t text[ARCHIVE_MANIFEST_BYTES_MAX];
    if (archive_manifest_parse(slice_of(data, size), &manifest) != SL_OK)
        return 0;
    struct writer writer = writer_over(text, sizeof text);
    archive_manifest_write(&manifest, &writer);
    require(!writer.overflow && slice_equals(writer_slice(&writer), slice_of(data, size)));
    require(manifest.newest.size > 0 && manifest.newest.size >= manifest.state.tree.size);
    require((manifest.n_segments == 0) == (manifest.state.tree.size == 0));
    require(slice_equals(manifest.newest.origin, manifest.state.key.name));
    return 0;
}
