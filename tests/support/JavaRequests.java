/* SPDX-License-Identifier: Apache-2.0 */
/* Produces with Kafka's own Java client, which is what Spring's templates use. A line of
 * standard input is one record: topic, key, value, then name=value of each header; key,
 * value and header values in hexadecimal. Argument: bootstrap servers. */
import java.util.HexFormat;
import java.util.Map;
import java.util.Scanner;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

class JavaRequests {
    public static void main(String[] arguments) throws Exception {
        HexFormat hex = HexFormat.of();
        Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0], "acks", "all");
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                settings, new ByteArraySerializer(), new ByteArraySerializer());
             Scanner input = new Scanner(System.in)) {
            while (input.hasNextLine()) {
                String[] words = input.nextLine().split(" ");
                ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
                    words[0], hex.parseHex(words[1]), hex.parseHex(words[2]));
                for (int i = 3; i < words.length; i++) {
                    String[] header = words[i].split("=", 2);
                    record.headers().add(header[0], hex.parseHex(header[1]));
                }
                producer.send(record).get();
            }
        }
    }
}
