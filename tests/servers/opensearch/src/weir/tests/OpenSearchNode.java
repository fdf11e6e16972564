package weir.tests;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.DefaultConfiguration;
import org.opensearch.common.settings.Settings;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/**
 * One OpenSearch node on 127.0.0.1, with its data in a folder that outlives it.
 *
 * <p>Arguments: the folder, and the port of its HTTP side (0 for any). It says {@code ready http://127.0.0.1:PORT} on
 * standard output when it answers, and ends when its input ends or with SIGTERM. Killed, it starts again on the same
 * folder.
 */
public final class OpenSearchNode extends Node {
    private OpenSearchNode(Settings settings) {
        super(
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "weir-tests"),
            List.of(Netty4Plugin.class),
            false);
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            System.err.println("usage: OpenSearchNode FOLDER PORT");
            System.exit(2);
        }
        // What is logged is not our answer.
        PrintStream answer = System.out;
        System.setOut(System.err);
        Configurator.initialize(new DefaultConfiguration());
        Configurator.setRootLevel(Level.WARN);
        Node node = new OpenSearchNode(settings(Path.of(arguments[0]).toAbsolutePath(), arguments[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
        node.start();
        int port = node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress().getPort();
        answer.println("ready http://127.0.0.1:" + port);
        while (System.in.read() >= 0) {
            // What is written to it means nothing.
        }
        System.exit(0);
    }

    private static Settings settings(Path folder, String port) {
        return Settings.builder()
            .put("path.home", folder.toString())
            .put("node.name", "weir-tests")
            .put("cluster.name", "weir-tests")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", port)
            .put("transport.port", "0")
            // A disk that is nearly full is no business of the tests.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
    }

    private static void close(Node node) {
        try {
            node.close();
        } catch (IOException error) {
            System.err.println("cannot close the node: " + error);
        }
    }
}
