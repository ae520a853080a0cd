/* SPDX-License-Identifier: Apache-2.0 */
/* The callers of an ingest stage: plain sockets, one request a connection. */
#include "base/buf.h"
#include "tests/flow/ingest_stage.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 20 };

static int
connect_to(const char *address)
{
    char host[64];
    snprintf(host, sizeof(host), "%s", address);
    char *colon = strrchr(host, ':');
    *colon = '\0';
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(colon + 1))};
    inet_pton(AF_INET, host, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int
stage_send(const struct ingest_stage *stage,
           const char *request_line,
           const char *headers,
           const char *body)
{
    int fd = connect_to(stage_address(stage));
    if (fd < 0) {
        return -1;
    }
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_append_format(&b,
                      "%s HTTP/1.1\r\nHost: leat\r\nConnection: close\r\n"
                      "Content-Length: %zu\r\n%s\r\n",
                      request_line, strlen(body), headers);
    buf_append_text(&b, body);
    cr_assert_eq(send(fd, b.data, b.size, MSG_NOSIGNAL), (ssize_t)b.size);
    buf_fini(&b);
    return fd;
}

void
stage_receive(int connection, struct stage_answer *answer)
{
    static char all[sizeof(answer->head) + sizeof(answer->body)];
    *answer = (struct stage_answer){0};
    size_t size = 0;
    ssize_t n = 1;
    while (n > 0 && size < sizeof(all) - 1) {
        n = recv(connection, all + size, sizeof(all) - 1 - size, 0);
        size += n > 0 ? (size_t)n : 0;
    }
    close(connection);
    all[size] = '\0';
    const char *end = strstr(all, "\r\n\r\n");
    if (end == NULL) {
        return;
    }
    snprintf(answer->head, sizeof(answer->head), "%.*s\r\n", (int)(end - all), all);
    snprintf(answer->body, sizeof(answer->body), "%s", end + 4);
    sscanf(answer->head, "HTTP/1.1 %d", &answer->code);
}

void
stage_ask(const struct ingest_stage *stage,
          const char *request_line,
          const char *headers,
          const char *body,
          struct stage_answer *answer)
{
    int connection = stage_send(stage, request_line, headers, body);
    cr_assert_geq(connection, 0);
    stage_receive(connection, answer);
}

void
stage_header(const struct stage_answer *answer,
             const char *name,
             char *value,
             size_t size)
{
    value[0] = '\0';
    size_t name_size = strlen(name);
    for (const char *line = strstr(answer->head, "\r\n"); line != NULL;
         line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_size) == 0 && line[name_size] == ':') {
            const char *begin = line + name_size + 2;
            snprintf(value, size, "%.*s", (int)strcspn(begin, "\r"), begin);
            return;
        }
    }
}
