//! The library's table of subscriptions, but for levels that begin with `$`.
//!
//! Left alone, the library refuses every topic with such a level, and its messages reach nobody: Homie announces its devices on
//! `homie/<device>/$description`. Only a topic that begins with `$` is special [MQTT5-4.7.2-1] [MQTT311-4.7.2-1].

use async_trait::async_trait;
use rmqtt::{
    Result,
    router::{DefaultRouter, Router},
    types::{
        AllRelationsMap, HashMap, Id, NodeId, Route, SubRelationsMap, SubsSearchParams, SubsSearchResult,
        SubscriptionOptions, TopicFilter, TopicName,
    },
    utils::Counter,
};
use std::borrow::Cow;

/// Stands before such a level within the library.
const SHIELD: &str = "/\u{1}$";
const BARE: &str = "/$";

/// The library's table.
pub(super) struct Routes(pub(super) DefaultRouter);

fn shielded(topic: &str) -> Cow<'_, str> {
    if topic.contains(BARE) {
        Cow::Owned(topic.replace(BARE, SHIELD))
    } else {
        Cow::Borrowed(topic)
    }
}

fn bare(filter: TopicFilter) -> TopicFilter {
    if filter.contains(SHIELD) {
        TopicFilter::from(filter.replace(SHIELD, BARE))
    } else {
        filter
    }
}

fn bare_routes(mut routes: Vec<Route>) -> Vec<Route> {
    for route in &mut routes {
        route.topic = bare(route.topic.clone());
    }
    routes
}

#[async_trait]
impl Router for Routes {
    async fn add(&self, topic_filter: &str, id: Id, options: SubscriptionOptions) -> Result<()> {
        self.0.add(&shielded(topic_filter), id, options).await
    }
    async fn remove(&self, topic_filter: &str, id: Id) -> Result<bool> {
        self.0.remove(&shielded(topic_filter), id).await
    }
    async fn matches(&self, id: Id, topic: &TopicName) -> Result<SubRelationsMap> {
        let Cow::Owned(shielded) = shielded(topic) else {
            return self.0.matches(id, topic).await;
        };
        let mut found = self.0.matches(id, &TopicName::from(shielded)).await?;
        for (filter, ..) in found.values_mut().flatten() {
            *filter = bare(filter.clone());
        }
        Ok(found)
    }
    async fn is_online(&self, node_id: NodeId, client_id: &str) -> bool {
        self.0.is_online(node_id, client_id).await
    }
    async fn gets(&self, limit: usize) -> Vec<Route> {
        bare_routes(self.0.gets(limit).await)
    }
    async fn get(&self, topic: &str) -> Result<Vec<Route>> {
        Ok(bare_routes(self.0.get(&shielded(topic)).await?))
    }
    async fn query_subscriptions(&self, query: &SubsSearchParams) -> Vec<SubsSearchResult> {
        let mut found = self.0.query_subscriptions(query).await;
        for found in &mut found {
            found.topic = bare(found.topic.clone());
        }
        found
    }
    async fn topics_tree(&self) -> usize {
        self.0.topics_tree().await
    }
    fn topics(&self) -> Counter {
        self.0.topics()
    }
    fn routes(&self) -> Counter {
        self.0.routes()
    }
    fn merge_topics(&self, topics: &HashMap<NodeId, Counter>) -> Counter {
        self.0.merge_topics(topics)
    }
    fn merge_routes(&self, routes: &HashMap<NodeId, Counter>) -> Counter {
        self.0.merge_routes(routes)
    }
    async fn list_topics(&self, top: usize) -> Vec<String> {
        self.0.list_topics(top).await
    }
    async fn list_relations(&self, top: usize) -> Vec<serde_json::Value> {
        self.0.list_relations(top).await
    }
    fn relations(&self) -> &AllRelationsMap {
        self.0.relations()
    }
}
