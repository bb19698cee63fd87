/*
 * assets.c - included by the assembler, as the vocabulary is (policy/vocabulary_default.c)
 */
#include "edge/page/assets.h"

#include "asset_files.h"

#define ASSET(name, file, sum)                                                                     \
    __asm__(".section .rodata\n"                                                                   \
            "# " sum "\n"                                                                          \
            "asset_" name "_first:\n"                                                              \
            ".incbin \"" file "\"\n"                                                               \
            "asset_" name "_last:\n"                                                               \
            ".byte 0\n"                                                                            \
            ".previous\n")

ASSET("style", ASSET_STYLE_FILE, ASSET_STYLE_SUM);
ASSET("icon", ASSET_ICON_FILE, ASSET_ICON_SUM);

extern const uint8_t asset_style_first[] __attribute__((visibility("hidden")));
extern const uint8_t asset_style_last[] __attribute__((visibility("hidden")));
extern const uint8_t asset_icon_first[] __attribute__((visibility("hidden")));
extern const uint8_t asset_icon_last[] __attribute__((visibility("hidden")));

static const struct asset {
    const char *path, *type;
    const uint8_t *first, *last;
} assets[] = {
    {"/page.css", "text/css; charset=utf-8", asset_style_first, asset_style_last},
    {"/icon.svg", "image/svg+xml", asset_icon_first, asset_icon_last},
};

bool asset_answer(struct slice path, struct server_answer *answer)
{
    for (size_t i = 0; i < SL_LENGTH(assets); i++) {
        const struct asset *asset = &assets[i];
        if (!slice_equals_str(path, asset->path))
            continue;
        answer->status = 200;
        answer->content_type = asset->type;
        answer->cache_control = "no-cache";
        answer->body =
            slice_of(asset->first, (size_t)((uintptr_t)asset->last - (uintptr_t)asset->first));
        return true;
    }
    return false;
}
