/*
 * head.c - method, target, version and fields, with their places and nothing copied
 */
#include "edge/head.h"

static enum MHD_Result collect_field(void *context, enum MHD_ValueKind kind, const char *name,
                                     size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    struct guard_head *head = context;
    if (head->n_fields == GUARD_FIELDS_MAX) {
        head->too_many_fields = true;
        return MHD_NO;
    }
    head->fields[head->n_fields++] =
        (struct guard_field){slice_of(name, name_bytes), slice_of(value, value_bytes)};
    return MHD_YES;
}

void head_collect(struct MHD_Connection *handle, const char *method, struct slice target,
                  const char *version, struct guard_head *head)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    head->head_bytes = info ? info->header_size : SIZE_MAX;
    head->method = slice_of_str(method);
    head->version = slice_of_str(version);
    head->target = target;
    head->takes_body = false;
    head->n_fields = 0;
    head->too_many_fields = false;
    MHD_get_connection_values_n(handle, MHD_HEADER_KIND, collect_field, head);
}
