plimsoll_test(component_net
    LABEL component
    SOURCES
        net_child_process_test.cpp
        net_client_faults_test.cpp
        net_client_test.cpp
        net_client_upload_test.cpp
        net_fixture.cpp
        net_listen_test.cpp
        net_relay_test.cpp
        net_server_gone_test.cpp
        net_server_limits_test.cpp
        net_server_stop_test.cpp
        net_server_test.cpp
        net_tls_client_test.cpp
        net_tls_test.cpp
        tls_fixture.cpp
    LIBS plimsoll_net OpenSSL::SSL OpenSSL::Crypto)
