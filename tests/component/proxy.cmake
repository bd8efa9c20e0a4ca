plimsoll_test(component_proxy
    LABEL component
    SOURCES
        net_fixture.cpp
        proxy_access_test.cpp
        proxy_cancel_test.cpp
        proxy_control_test.cpp
        proxy_faults_test.cpp
        proxy_fixture.cpp
        proxy_gate_test.cpp
        proxy_heartbeat_test.cpp
        proxy_page_test.cpp
        proxy_inference_test.cpp
        proxy_metrics_test.cpp
        proxy_store_test.cpp
    LIBS plimsoll_proxy plimsoll_control plimsoll_chain plimsoll_upstream)
