/* SPDX-License-Identifier: Apache-2.0 */
/* See json_scan.h (RFC 8259 for the grammar). */
#include "runner/json_scan.h"

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void
skip_space(struct json_scan *scan)
{
    while (scan->at < scan->text.size && is_space(scan->text.data[scan->at])) {
        scan->at++;
    }
}

bool
json_scan_take(struct json_scan *scan, char byte)
{
    skip_space(scan);
    if (scan->at >= scan->text.size || scan->text.data[scan->at] != (uint8_t)byte) {
        return false;
    }
    scan->at++;
    return true;
}

bool
json_scan_string(struct json_scan *scan, struct span *out)
{
    if (!json_scan_take(scan, '"')) {
        return false;
    }
    size_t start = scan->at;
    while (scan->at < scan->text.size) {
        uint8_t byte = scan->text.data[scan->at];
        if (byte == '"') {
            *out = span_of(scan->text.data + start, scan->at - start);
            scan->at++;
            return true;
        }
        if (byte < ' ') {
            return false;
        }
        scan->at += byte == '\\' ? 2 : 1;
    }
    return false;
}

bool
json_scan_whole(struct json_scan *scan, uint64_t *out)
{
    static const uint64_t most = UINT64_C(1) << 53;
    skip_space(scan);
    uint64_t value = 0;
    size_t start = scan->at;
    while (scan->at < scan->text.size) {
        uint8_t byte = scan->text.data[scan->at];
        if (byte < '0' || byte > '9') {
            break;
        }
        value = value * 10 + (uint64_t)(byte - '0');
        if (value > most) {
            return false;
        }
        scan->at++;
    }
    size_t digits = scan->at - start;
    if (digits == 0 || (digits > 1 && scan->text.data[start] == '0')) {
        return false;
    }
    *out = value;
    return true;
}

bool
json_scan_ended(struct json_scan *scan)
{
    skip_space(scan);
    return scan->at >= scan->text.size;
}

bool
json_scan_more(struct json_scan *scan, char close, bool *first, bool *ok)
{
    if (json_scan_take(scan, close)) {
        *ok = true;
        return false;
    }
    *ok = *first || json_scan_take(scan, ',');
    *first = false;
    return *ok;
}
